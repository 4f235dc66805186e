/**
 * Inflates small data in JavaScript, where a call of zlib costs more than the work itself: most deltas of a pack have fewer
 * than 100 bytes, and many are stored, not deflated.
 */
import {
  Bits,
  type BlockCodes,
  DISTANCE_BASES,
  DISTANCE_BITS,
  END_OF_BLOCK,
  FIXED,
  LENGTH_BASES,
  LENGTH_BITS,
  newCodes,
  readBlockCodes,
} from './deflate-codes.ts';

/**
 * Inflates zlib streams (RFC 1950) one after another. It does not check the checksum at the end, so use it only for data that
 * was checked before, such as a pack that git has just indexed.
 */
export class Inflater {
  private readonly bits = new Bits();
  private readonly lengths = new Uint8Array(288 + 32);
  private readonly own: BlockCodes = newCodes();

  /** Where the blocks that were inflated last end in their source: the checksum begins there. */
  get end(): number {
    return this.bits.at;
  }

  /**
   * @param source a buffer that has the stream from `from` on
   * @param to the stream must end here or before
   * @param target is filled from `at` on
   * @param size length of the result in bytes
   * @returns false when the stream is malformed or has another size; then the target may be filled in part
   */
  inflate(
    source: Uint8Array,
    from: number,
    to: number,
    target: Uint8Array,
    at: number,
    size: number,
  ): boolean {
    const { bits } = this;
    const head = source[from] ?? 0;
    // Only deflate is accepted, without a preset dictionary.
    if ((head & 15) !== 8 || ((source[from + 1] ?? 0) & 32) !== 0) return false;
    bits.begin(source, from + 2);
    const end = at + size;
    let filled = at;
    for (let last = 0; last === 0; ) {
      last = bits.read(1);
      const kind = bits.read(2);
      if (kind === 0) filled = this.copyStored(source, target, filled, end);
      else if (kind === 1) filled = this.readBlock(FIXED, target, at, filled, end);
      else if (kind === 2 && readBlockCodes(bits, this.lengths, this.own))
        filled = this.readBlock(this.own, target, at, filled, end);
      else return false;
      if (filled === -1 || bits.at > to) return false;
    }
    return filled === end;
  }

  /** A stored block. @returns where it ends in the target, or -1 */
  private copyStored(source: Uint8Array, target: Uint8Array, filled: number, end: number): number {
    const { bits } = this;
    const { at } = bits;
    const length = (source[at] ?? 0) | ((source[at + 1] ?? 0) << 8);
    const start = at + 4;
    bits.goTo(start + length);
    if (filled + length > end || start + length > source.length) return -1;
    if (length > 64) target.set(source.subarray(start, start + length), filled);
    else for (let byte = 0; byte < length; byte++) target[filled + byte] = source[start + byte] ?? 0;
    return filled + length;
  }

  /** @returns where the block ends in the target, or -1 */
  private readBlock(
    { literals, distances }: BlockCodes,
    target: Uint8Array,
    begin: number,
    from: number,
    end: number,
  ): number {
    const { bits } = this;
    let filled = from;
    for (;;) {
      const symbol = literals.read(bits);
      if (symbol === END_OF_BLOCK) return filled;
      if (symbol === -1 || filled >= end) return -1;
      if (symbol < END_OF_BLOCK) {
        target[filled++] = symbol;
        continue;
      }
      const place = symbol - END_OF_BLOCK - 1;
      const base = LENGTH_BASES[place];
      if (base === undefined) return -1;
      const length = base + bits.read(LENGTH_BITS[place] ?? 0);
      const far = distances.read(bits);
      const distanceBase = DISTANCE_BASES[far];
      if (distanceBase === undefined) return -1;
      const distance = distanceBase + bits.read(DISTANCE_BITS[far] ?? 0);
      if (filled - distance < begin || filled + length > end) return -1;
      for (const stop = filled + length; filled < stop; filled++)
        target[filled] = target[filled - distance] ?? 0;
    }
  }
}
