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

/** Up to so many bytes are read without tables of codes, which take longer to be made. */
const BRIEF = 64;

/**
 * Inflates zlib streams (RFC 1950) one after another. It does not check the checksum at the end, so use it only for data that
 * was checked before, such as a pack that git has just indexed.
 */
export class Inflater {
  private readonly bits = new Bits();
  private readonly own: BlockCodes = newCodes();
  /** Where the target was filled to when a block did not fit, or was malformed. */
  private filled = 0;

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
    const end = at + size;
    return this.readStream(source, from, to, target, at, end, false) === end;
  }

  /**
   * Inflates the beginning of a stream.
   * @param source a buffer that has the stream from `from` on, as far as `to`
   * @param target is filled from its beginning
   * @returns how many bytes the target has now: fewer than fit when the stream ends before, is malformed, or needs more than there is
   */
  inflateStart(source: Uint8Array, from: number, to: number, target: Uint8Array): number {
    const end = this.readStream(source, from, to, target, 0, target.length, target.length <= BRIEF);
    if (end !== -1) return end;
    return this.bits.at > to ? 0 : this.filled;
  }

  /** @returns where the stream ends in the target, or -1 when it is malformed, longer than the target, or ends behind `to` */
  private readStream(
    source: Uint8Array,
    from: number,
    to: number,
    target: Uint8Array,
    at: number,
    end: number,
    isBrief: boolean,
  ): number {
    const { bits } = this;
    this.filled = at;
    bits.begin(source, from + 2);
    const head = source[from] ?? 0;
    // Only deflate is accepted, without a preset dictionary.
    if ((head & 15) !== 8 || ((source[from + 1] ?? 0) & 32) !== 0) return -1;
    let filled = at;
    for (let last = 0; last === 0; ) {
      last = bits.read(1);
      const kind = bits.read(2);
      if (kind === 0) filled = this.copyStored(source, target, filled, end);
      else if (kind === 1) filled = this.readBlock(FIXED, target, at, filled, end);
      else if (kind === 2 && readBlockCodes(bits, this.own, isBrief))
        filled = this.readBlock(this.own, target, at, filled, end);
      else return -1;
      if (filled === -1 || bits.at > to) return -1;
      this.filled = filled;
    }
    return filled;
  }

  /** A stored block. @returns where it ends in the target, or -1 */
  private copyStored(source: Uint8Array, target: Uint8Array, filled: number, end: number): number {
    const { bits } = this;
    const { at } = bits;
    const length = (source[at] ?? 0) | ((source[at + 1] ?? 0) << 8);
    const start = at + 4;
    const copied = Math.max(0, Math.min(length, end - filled, source.length - start));
    bits.goTo(start + copied);
    if (copied > 64) target.set(source.subarray(start, start + copied), filled);
    else for (let byte = 0; byte < copied; byte++) target[filled + byte] = source[start + byte] ?? 0;
    return copied < length ? this.stop(filled + copied) : filled + length;
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
      if (symbol === -1 || filled >= end) return this.stop(filled);
      if (symbol < END_OF_BLOCK) {
        target[filled++] = symbol;
        continue;
      }
      const place = symbol - END_OF_BLOCK - 1;
      const base = LENGTH_BASES[place];
      if (base === undefined) return this.stop(filled);
      const length = base + bits.read(LENGTH_BITS[place] ?? 0);
      const far = distances.read(bits);
      const distanceBase = DISTANCE_BASES[far];
      if (distanceBase === undefined) return this.stop(filled);
      const distance = distanceBase + bits.read(DISTANCE_BITS[far] ?? 0);
      if (filled - distance < begin) return this.stop(filled);
      const stop = filled + length;
      for (const last = Math.min(stop, end); filled < last; filled++)
        target[filled] = target[filled - distance] ?? 0;
      if (filled < stop) return this.stop(filled);
    }
  }

  private stop(filled: number): -1 {
    this.filled = filled;
    return -1;
  }
}
