/** Finds the ends of deflated data without inflating it. */
import {
  Bits,
  type BlockCodes,
  DISTANCE_BITS,
  END_OF_BLOCK,
  FIXED,
  LENGTH_BITS,
  newCodes,
  readBlockCodes,
} from './deflate-codes.ts';

/** Bytes of the checksum at the end of a zlib stream. */
const CHECKSUM_BYTES = 4;
/** More bits than anything has that must be there whole to be read: the codes of a block. */
const LONGEST_PART = 4096;

/** Bytes that are enough for a symbol with a length and a distance: 15 + 5 + 15 + 13 bits. */
const LONGEST_SYMBOL = 8;

/** What a stream goes on with. */
type Part = 'head' | 'block' | 'symbols' | 'checksum' | 'end';

/**
 * Passes over a zlib stream (RFC 1950) that comes in pieces, and says where it ends. It keeps nothing of the result: a stream of any
 * length takes a few kilobytes.
 */
export class DeflateSkipper {
  private readonly bits = new Bits();
  private readonly own: BlockCodes = newCodes();
  private codes = FIXED;
  private part: Part = 'head';
  private isLast = false;
  /** Bytes to pass before the next part: of a stored block, or of the checksum. */
  private left = 0;

  /** Another stream follows. */
  begin(): void {
    this.part = 'head';
    this.isLast = false;
  }

  /** True once the end of the stream was passed. */
  get done(): boolean {
    return this.part === 'end' && this.left === 0;
  }

  /**
   * Passes over what there is of the stream.
   * @param position the bit where it goes on
   * @returns the bit where it ends, or where it goes on when more bytes have come; undefined when it is malformed
   */
  skip(bytes: Uint8Array, position: number): number | undefined {
    const { bits } = this;
    const end = bytes.length * 8;
    bits.begin(bytes, 0);
    bits.goToBit(position);
    while (!this.done) {
      if (this.left > 0) {
        const passed = Math.min(this.left, bytes.length - bits.at);
        bits.goTo(bits.at + passed);
        this.left -= passed;
        if (this.left > 0) return end;
        continue;
      }
      const before = bits.position;
      const next = this.read(bytes);
      // What has not come whole is read again later.
      if (bits.position > end || (next === undefined && end - before < LONGEST_PART)) return before;
      if (next === undefined) return undefined;
      this.part = next;
    }
    return bits.position;
  }

  /** Reads a part. @returns what follows it; undefined when it is malformed */
  private read(bytes: Uint8Array): Part | undefined {
    const { bits } = this;
    switch (this.part) {
      case 'head':
        // Only deflate, without a preset dictionary.
        return (bits.read(8) & 15) === 8 && (bits.read(8) & 32) === 0 ? 'block' : undefined;
      case 'block':
        return this.readBlockHead(bytes);
      case 'symbols':
        return this.readSymbols(bytes);
      case 'checksum':
        bits.goTo(bits.at);
        this.left = CHECKSUM_BYTES;
        return 'end';
      case 'end':
        return 'end';
    }
  }

  private readBlockHead(bytes: Uint8Array): Part | undefined {
    const { bits } = this;
    const isLast = bits.read(1) === 1;
    const kind = bits.read(2);
    this.isLast = isLast;
    if (kind === 0) {
      const { at } = bits;
      bits.goTo(at + 4);
      if (at + 4 > bytes.length) return 'block';
      this.left = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
      return isLast ? 'checksum' : 'block';
    }
    if (kind === 1) this.codes = FIXED;
    else if (kind === 2 && readBlockCodes(bits, this.own, false)) this.codes = this.own;
    else return undefined;
    return 'symbols';
  }

  /** Reads a symbol, and those behind it that are there for certain. */
  private readSymbols(bytes: Uint8Array): Part | undefined {
    const { bits } = this;
    const { literals, distances } = this.codes;
    do {
      const symbol = literals.read(bits);
      if (symbol === -1) return undefined;
      if (symbol < END_OF_BLOCK) continue;
      if (symbol === END_OF_BLOCK) return this.isLast ? 'checksum' : 'block';
      const lengthBits = LENGTH_BITS[symbol - END_OF_BLOCK - 1];
      if (lengthBits === undefined) return undefined;
      bits.read(lengthBits);
      const distanceBits = DISTANCE_BITS[distances.read(bits)];
      if (distanceBits === undefined) return undefined;
      bits.read(distanceBits);
    } while (bits.at + LONGEST_SYMBOL <= bytes.length);
    return 'symbols';
  }
}
