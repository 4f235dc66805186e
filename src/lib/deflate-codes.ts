/** The codes of deflated data (RFC 1951), and the bits that they are read from. */

/** Maximum length of a code in bits (RFC 1951). */
const MOST_BITS = 15;
export const LENGTH_BASES = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
];
export const LENGTH_BITS = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
];
export const DISTANCE_BASES = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
  6145, 8193, 12289, 16385, 24577,
];
export const DISTANCE_BITS = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
/** The order in which a block lists the lengths of the code length codes. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
export const END_OF_BLOCK = 256;

/** Codes of at most so many bits are looked up in a table, of symbols and of distances. */
const TABLE_BITS = 9;

/** A symbol and the length of its code in one number: the length has the lowest bits. */
const LENGTH_WIDTH = 4;
const LENGTH = (1 << LENGTH_WIDTH) - 1;
/** How many symbols a block may have, of literals and of distances. */
const MOST_SYMBOLS = 288 + 32;

/** By number: its bits in the order in which a stream has those of a code, the first bit lowest. */
const REVERSED = Uint16Array.from({ length: 1 << TABLE_BITS }, (_, code) => {
  let bits = 0;
  for (let bit = 0; bit < TABLE_BITS; bit++) bits |= ((code >>> bit) & 1) << (TABLE_BITS - 1 - bit);
  return bits;
});

/** A canonical Huffman code. */
export class Code {
  /** How many symbols have a code of each length. */
  private readonly counts = new Uint16Array(MOST_BITS + 1);
  /** The symbols, sorted by their codes. */
  private readonly symbols: Uint16Array;
  private readonly nexts = new Uint16Array(MOST_BITS + 2);
  private readonly codes = new Uint16Array(MOST_BITS + 2);
  /** By the next bits: a symbol, and in the lowest four bits the length of its code; 0 for a longer code or none. */
  private readonly table: Uint16Array;
  private readonly tableBits: number;
  /** False while the table is empty: then each code is found by its length. */
  private hasTable = false;

  /** @param most number of symbols @param tableBits codes of at most so many bits are looked up in a table */
  constructor(most: number, tableBits: number) {
    this.symbols = new Uint16Array(most);
    this.tableBits = tableBits;
    this.table = new Uint16Array(1 << tableBits);
  }

  /**
   * Builds the code from the symbols that have one. Few do in small blocks, so all others are not looked at.
   * @param used these symbols in ascending order, from `from` to `to`, as {@link lengthOf} has it
   * @param base is taken away from the numbers of the symbols
   * @param isBrief true where few symbols are read: the table would take longer than they do
   * @returns false when there are too many codes of a length
   */
  build(used: Uint16Array, from: number, to: number, base: number, isBrief: boolean): boolean {
    const { counts, symbols, nexts, codes, table, tableBits } = this;
    counts.fill(0);
    for (let at = from; at < to; at++) {
      const length = (used[at] ?? 0) & LENGTH;
      counts[length] = (counts[length] ?? 0) + 1;
    }
    nexts[1] = 0;
    codes[1] = 0;
    let left = 1;
    for (let length = 1; length <= MOST_BITS; length++) {
      left = left * 2 - (counts[length] ?? 0);
      if (left < 0) return false;
      nexts[length + 1] = (nexts[length] ?? 0) + (counts[length] ?? 0);
      codes[length + 1] = ((codes[length] ?? 0) + (counts[length] ?? 0)) << 1;
    }
    // A code without gaps that has no long codes fills the table.
    const isFull = left === 0 && codes[tableBits + 1] === 1 << (tableBits + 1);
    if (this.hasTable && (isBrief || !isFull)) table.fill(0);
    this.hasTable = !isBrief;
    for (let place = from; place < to; place++) {
      const entry = (used[place] ?? 0) - (base << LENGTH_WIDTH);
      const length = entry & LENGTH;
      const at = nexts[length] ?? 0;
      symbols[at] = entry >>> LENGTH_WIDTH;
      nexts[length] = at + 1;
      if (isBrief) continue;
      const code = codes[length] ?? 0;
      codes[length] = code + 1;
      if (length > tableBits) continue;
      const first = (REVERSED[code] ?? 0) >>> (TABLE_BITS - length);
      for (let bits = first; bits < table.length; bits += 1 << length) table[bits] = entry;
    }
    return true;
  }

  /** The next symbol, or -1 when no symbol has this code. */
  read(bits: Bits): number {
    const entry = this.table[bits.peek(this.tableBits)] ?? 0;
    if (entry === 0) return this.readLong(bits);
    bits.pass(entry & LENGTH);
    return entry >>> LENGTH_WIDTH;
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

/** Reads bits from bytes, the lowest of each byte first. After the end it reads zeros. */
export class Bits {
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

  /** Number of the next bit, counted from the beginning of the bytes. */
  get position(): number {
    return this.taken * 8 - this.count;
  }

  /** Continues at a bit. */
  goToBit(position: number): void {
    this.goTo(position >>> 3);
    this.read(position & 7);
  }
}

/** The codes of a block. */
export interface BlockCodes {
  readonly literals: Code;
  readonly distances: Code;
}

export function newCodes(): BlockCodes {
  return { literals: new Code(288, TABLE_BITS), distances: new Code(32, TABLE_BITS) };
}

function fixedCodes(): BlockCodes {
  const codes = newCodes();
  const lengths = new Uint8Array(MOST_SYMBOLS);
  lengths.fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280, 288).fill(5, 288);
  const used = Uint16Array.from(lengths, (length, symbol) => lengthOf(symbol, length));
  codes.literals.build(used, 0, 288, 0, false);
  codes.distances.build(used, 288, MOST_SYMBOLS, 288, false);
  return codes;
}

/** A symbol with the length of its code in bits, which is not 0. */
function lengthOf(symbol: number, length: number): number {
  return (symbol << LENGTH_WIDTH) | length;
}

/** The codes of blocks that have none of their own. */
export const FIXED = fixedCodes();

/** The code of the lengths of codes. It is needed only while these are read. */
const LENGTHS = new Code(ORDER.length, 7);
const lengthsOfLengths = new Uint8Array(ORDER.length);
/** The symbols of the block whose codes are read, and of the lengths before. */
const used = new Uint16Array(MOST_SYMBOLS);

/**
 * Reads the codes of a block that has its own.
 * @param isBrief true where only the first symbols of the block are read
 * @returns false when they are malformed
 */
export function readBlockCodes(bits: Bits, { literals, distances }: BlockCodes, isBrief: boolean): boolean {
  const literalCount = bits.read(5) + 257;
  const distanceCount = bits.read(5) + 1;
  if (literalCount > 286 || !readLengthCodes(bits)) return false;
  const count = literalCount + distanceCount;
  let filled = 0;
  let literalsFilled = 0;
  let previous = 0;
  for (let at = 0; at < count; ) {
    const symbol = LENGTHS.read(bits);
    if (symbol === -1 || (symbol === 16 && at === 0)) return false;
    if (symbol !== 16) previous = symbol < 16 ? symbol : 0;
    const times =
      symbol < 16
        ? 1
        : symbol === 16
          ? 3 + bits.read(2)
          : symbol === 17
            ? 3 + bits.read(3)
            : 11 + bits.read(7);
    const end = at + times;
    if (end > count) return false;
    if (previous === 0) {
      at = end;
      continue;
    }
    for (; at < end; at++) {
      used[filled++] = lengthOf(at, previous);
      if (at < literalCount) literalsFilled = filled;
    }
  }
  return (
    literals.build(used, 0, literalsFilled, 0, isBrief) &&
    distances.build(used, literalsFilled, filled, literalCount, isBrief)
  );
}

/** Reads the code of the lengths. @returns false when it is malformed */
function readLengthCodes(bits: Bits): boolean {
  const count = bits.read(4) + 4;
  lengthsOfLengths.fill(0);
  for (let at = 0; at < count; at++) lengthsOfLengths[ORDER[at] ?? 0] = bits.read(3);
  let filled = 0;
  for (let symbol = 0; symbol < ORDER.length; symbol++) {
    const length = lengthsOfLengths[symbol] ?? 0;
    if (length !== 0) used[filled++] = lengthOf(symbol, length);
  }
  return LENGTHS.build(used, 0, filled, 0, false);
}
