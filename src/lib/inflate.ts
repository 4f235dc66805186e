/**
 * Inflates small data in JavaScript, where a call of zlib costs more than the work itself: most deltas of a pack have fewer
 * than 100 bytes, and many are stored, not deflated.
 */

/** Maximum length of a code in bits (RFC 1951). */
const MOST_BITS = 15;
const LENGTH_BASES = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
];
const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASES = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
  6145, 8193, 12289, 16385, 24577,
];
const DISTANCE_BITS = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
/** The order in which a block lists the lengths of the code length codes. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const END_OF_BLOCK = 256;

/** Codes of at most so many bits are looked up in a table. */
const TABLE_BITS = 9;
const TABLE_SIZE = 1 << TABLE_BITS;

/** A canonical Huffman code. */
class Code {
  /** How many symbols have a code of each length. */
  private readonly counts = new Uint16Array(MOST_BITS + 1);
  /** The symbols, sorted by their codes. */
  private readonly symbols: Uint16Array;
  private readonly nexts = new Uint16Array(MOST_BITS + 2);
  private readonly codes = new Uint16Array(MOST_BITS + 2);
  /** By the next bits: a symbol, and in the lowest four bits the length of its code; 0 for a longer code or none. */
  private readonly table = new Uint16Array(TABLE_SIZE);

  /** @param most number of symbols */
  constructor(most: number) {
    this.symbols = new Uint16Array(most);
  }

  /**
   * Builds the code from lengths.
   * @param lengths length of each symbol's code in bits, 0 for a symbol without a code
   * @returns false when there are too many codes of a length
   */
  build(lengths: Uint8Array, from: number, count: number): boolean {
    const { counts, symbols, nexts, codes, table } = this;
    counts.fill(0);
    for (let symbol = 0; symbol < count; symbol++) {
      const length = lengths[from + symbol] ?? 0;
      counts[length] = (counts[length] ?? 0) + 1;
    }
    counts[0] = 0;
    nexts[1] = 0;
    codes[1] = 0;
    let left = 1;
    for (let length = 1; length <= MOST_BITS; length++) {
      left = left * 2 - (counts[length] ?? 0);
      if (left < 0) return false;
      nexts[length + 1] = (nexts[length] ?? 0) + (counts[length] ?? 0);
      codes[length + 1] = ((codes[length] ?? 0) + (counts[length] ?? 0)) << 1;
    }
    table.fill(0);
    for (let symbol = 0; symbol < count; symbol++) {
      const length = lengths[from + symbol] ?? 0;
      if (length === 0) continue;
      const at = nexts[length] ?? 0;
      symbols[at] = symbol;
      nexts[length] = at + 1;
      const code = codes[length] ?? 0;
      codes[length] = code + 1;
      if (length > TABLE_BITS) continue;
      const entry = (symbol << 4) | length;
      for (let bits = reversed(code, length); bits < TABLE_SIZE; bits += 1 << length) table[bits] = entry;
    }
    return true;
  }

  /** The next symbol, or -1 when no symbol has this code. */
  read(bits: Bits): number {
    const entry = this.table[bits.peek(TABLE_BITS)] ?? 0;
    if (entry === 0) return this.readLong(bits);
    bits.pass(entry & 15);
    return entry >>> 4;
  }

  private readLong(bits: Bits): number {
    const { counts } = this;
    const ahead = bits.peek(MOST_BITS);
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= MOST_BITS; length++) {
      code |= (ahead >>> (length - 1)) & 1;
      const count = counts[length] ?? 0;
      if (code - count < first) {
        bits.pass(length);
        return this.symbols[index + code - first] ?? -1;
      }
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    return -1;
  }
}

/** The bits of a code as a stream has them: the first bit lowest. */
function reversed(code: number, length: number): number {
  let bits = 0;
  for (let bit = 0; bit < length; bit++) bits |= ((code >>> bit) & 1) << (length - 1 - bit);
  return bits;
}

/** Reads bits from bytes, the lowest of each byte first. After the end it reads zeros. */
class Bits {
  private bytes: Uint8Array = new Uint8Array(0);
  /** Offset of the next byte. */
  private taken = 0;
  private pending = 0;
  private count = 0;

  begin(bytes: Uint8Array, at: number): void {
    this.bytes = bytes;
    this.goTo(at);
  }

  /** @param count at most 16 */
  read(count: number): number {
    const value = this.peek(count);
    this.pass(count);
    return value;
  }

  /** The next bits without passing them. @param count at most 16 */
  peek(count: number): number {
    while (this.count < count) {
      this.pending |= (this.bytes[this.taken++] ?? 0) << this.count;
      this.count += 8;
    }
    return this.pending & ((1 << count) - 1);
  }

  /** Skips bits that were peeked at. */
  pass(count: number): void {
    this.pending >>>= count;
    this.count -= count;
  }

  /** Offset of the first byte that is not used yet. */
  get at(): number {
    return this.taken - (this.count >>> 3);
  }

  /** Continues at a byte. */
  goTo(at: number): void {
    this.taken = at;
    this.pending = 0;
    this.count = 0;
  }
}

/** The codes of a block. */
interface BlockCodes {
  readonly literals: Code;
  readonly distances: Code;
}

function newCodes(): BlockCodes {
  return { literals: new Code(288), distances: new Code(32) };
}

function fixedCodes(): BlockCodes {
  const codes = newCodes();
  const lengths = new Uint8Array(288 + 32);
  lengths.fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280, 288).fill(5, 288);
  codes.literals.build(lengths, 0, 288);
  codes.distances.build(lengths, 288, 32);
  return codes;
}

/** The codes of blocks that have none of their own. */
const FIXED = fixedCodes();

/**
 * Inflates zlib streams (RFC 1950) one after another. It does not check the checksum at the end, so use it only for data that
 * was checked before, such as a pack that git has just indexed.
 */
export class Inflater {
  private readonly bits = new Bits();
  private readonly lengths = new Uint8Array(288 + 32);
  private readonly own: BlockCodes = newCodes();

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
      else if (kind === 2 && this.readCodes()) filled = this.readBlock(this.own, target, at, filled, end);
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

  /** Reads the codes of a block. */
  private readCodes(): boolean {
    const { bits, lengths } = this;
    const { literals, distances } = this.own;
    const literalCount = bits.read(5) + 257;
    const distanceCount = bits.read(5) + 1;
    const orderCount = bits.read(4) + 4;
    lengths.fill(0, 0, ORDER.length);
    for (let at = 0; at < orderCount; at++) lengths[ORDER[at] ?? 0] = bits.read(3);
    if (literalCount > 286 || !literals.build(lengths, 0, ORDER.length)) return false;
    const count = literalCount + distanceCount;
    for (let at = 0; at < count; ) {
      const symbol = literals.read(bits);
      if (symbol === -1 || (symbol === 16 && at === 0)) return false;
      if (symbol < 16) {
        lengths[at++] = symbol;
        continue;
      }
      const length = symbol === 16 ? (lengths[at - 1] ?? 0) : 0;
      const times = symbol === 16 ? 3 + bits.read(2) : symbol === 17 ? 3 + bits.read(3) : 11 + bits.read(7);
      if (at + times > count) return false;
      lengths.fill(length, at, at + times);
      at += times;
    }
    return literals.build(lengths, 0, literalCount) && distances.build(lengths, literalCount, distanceCount);
  }
}
