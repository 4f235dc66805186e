/**
 * Sorted lists of rows, newest last, because most rows are added there and queries begin there. A short list is one block of
 * words. A long one consists of chunks, so that an insertion in the middle moves few rows whatever the length.
 */
import { Blocks } from '../../lib/blocks.ts';

/** Names a list; 0 is the empty list. The name may change when the list changes. */
export type ListName = number;

/** Negative when row `a` is newer than row `b`. */
export type CompareRows = (a: number, b: number) => number;

/** How many rows the longest short list has (a further word holds the length), and a full chunk of a long one. */
const SHORT = 511;
const PIECE = 1_024;
const LONG = 0x8000_0000;

interface Piece {
  readonly rows: Uint32Array;
  length: number;
}

interface LongList {
  readonly pieces: Piece[];
  length: number;
}

export class RowLists {
  private readonly blocks = new Blocks();
  private readonly longs: (LongList | undefined)[] = [];
  private readonly freeLongs: number[] = [];
  private pieces = 0;
  private readonly compare: CompareRows;

  constructor(compare: CompareRows) {
    this.compare = compare;
  }

  /** Bytes of memory used. */
  get bytes(): number {
    return this.blocks.bytes + this.pieces * (4 * PIECE + 128);
  }

  /** How many rows are in a list. */
  count(list: ListName): number {
    if (list === 0) return 0;
    return list >= LONG ? this.long(list).length : this.blocks.get(list);
  }

  /** Inserts a row that is not in the list yet. @returns the new name of the list */
  add(list: ListName, row: number): ListName {
    if (list >= LONG) return this.addLong(list, row);
    const { blocks } = this;
    const length = this.count(list);
    if (length === SHORT) return this.addLong(this.lengthen(list), row);
    const place = length === 0 ? 0 : this.placeIn(list, length, row);
    const [size, wanted] = [Blocks.classOf(length + 1), Blocks.classOf(length + 2)];
    let block = list;
    if (list === 0 || size !== wanted) {
      block = blocks.take(wanted);
      if (list !== 0) {
        blocks.move(list + 1, block + 1, place);
        blocks.move(list + 1 + place, block + 2 + place, length - place);
        blocks.give(list, size);
      }
    } else {
      blocks.move(list + 1 + place, list + 2 + place, length - place);
    }
    blocks.set(block + 1 + place, row);
    blocks.set(block, length + 1);
    return block;
  }

  /** Removes a row if it is in the list. @returns the new name of the list */
  remove(list: ListName, row: number): ListName {
    if (list === 0) return 0;
    if (list >= LONG) return this.removeLong(list, row);
    const { blocks } = this;
    const length = this.count(list);
    const place = this.placeIn(list, length, row);
    if (place === length || blocks.get(list + 1 + place) !== row) return list;
    const [size, wanted] = [Blocks.classOf(length + 1), Blocks.classOf(length)];
    blocks.move(list + 2 + place, list + 1 + place, length - place - 1);
    blocks.set(list, length - 1);
    if (length === 1) {
      blocks.give(list, size);
      return 0;
    }
    if (size === wanted) return list;
    const block = blocks.take(wanted);
    blocks.move(list, block, length);
    blocks.give(list, size);
    return block;
  }

  /** The rows of a list, newest first. @param passes true for all rows up to some date; newer ones are left out */
  cursor(list: ListName, passes?: (row: number) => boolean): Cursor {
    if (list >= LONG) return new LongCursor(this.long(list).pieces, passes);
    const length = this.count(list);
    const left = passes === undefined ? length : this.firstThat(list, length, passes);
    return new ShortCursor(this.blocks, list + 1, left);
  }

  private placeIn(list: ListName, length: number, row: number): number {
    const { blocks, compare } = this;
    // Most rows are newer than all others.
    if (compare(row, blocks.get(list + length)) < 0) return length;
    let [low, high] = [0, length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(row, blocks.get(list + 1 + middle)) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private firstThat(list: ListName, length: number, passes: (row: number) => boolean): number {
    let [low, high] = [0, length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (passes(this.blocks.get(list + 1 + middle))) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private long(list: ListName): LongList {
    return this.longs[list - LONG] ?? { pieces: [], length: 0 };
  }

  private lengthen(list: ListName): ListName {
    const length = this.count(list);
    const rows = new Uint32Array(PIECE);
    for (let at = 0; at < length; at++) rows[at] = this.blocks.get(list + 1 + at);
    this.blocks.give(list, Blocks.classOf(length + 1));
    this.pieces++;
    const place = this.freeLongs.pop() ?? this.longs.length;
    this.longs[place] = { pieces: [{ rows, length }], length };
    return LONG + place;
  }

  private addLong(list: ListName, row: number): ListName {
    const long = this.long(list);
    const { pieces } = long;
    const last = pieces[pieces.length - 1];
    // Most rows are newer than all others.
    const isNewest = last !== undefined && this.compare(row, last.rows[last.length - 1] ?? 0) < 0;
    const number = isNewest ? pieces.length - 1 : this.pieceFor(pieces, row);
    const piece = pieces[number];
    if (piece === undefined) return list;
    const place = isNewest ? piece.length : this.placeInPiece(piece, row);
    if (place < piece.length) piece.rows.copyWithin(place + 1, place, piece.length);
    piece.rows[place] = row;
    piece.length++;
    long.length++;
    if (piece.length === PIECE) this.split(pieces, number);
    return list;
  }

  /** Splits a full chunk. The last one stays nearly full, because most rows are added after it. */
  private split(pieces: Piece[], number: number): void {
    const piece = pieces[number];
    if (piece === undefined) return;
    const kept = number === pieces.length - 1 ? PIECE - 1 : PIECE / 2;
    const rows = new Uint32Array(PIECE);
    rows.set(piece.rows.subarray(kept, piece.length));
    pieces.splice(number + 1, 0, { rows, length: piece.length - kept });
    piece.length = kept;
    this.pieces++;
  }

  private removeLong(list: ListName, row: number): ListName {
    const long = this.long(list);
    const number = this.pieceFor(long.pieces, row);
    const piece = long.pieces[number];
    if (piece === undefined) return list;
    const place = this.placeInPiece(piece, row);
    if (place >= piece.length || piece.rows[place] !== row) return list;
    piece.rows.copyWithin(place, place + 1, piece.length);
    piece.length--;
    long.length--;
    if (piece.length === 0) {
      long.pieces.splice(number, 1);
      this.pieces--;
    }
    return long.length > SHORT / 2 ? list : this.shorten(list);
  }

  private shorten(list: ListName): ListName {
    const { pieces, length } = this.long(list);
    const block = this.blocks.take(Blocks.classOf(length + 1));
    let at = block + 1;
    for (const piece of pieces) {
      for (let place = 0; place < piece.length; place++) this.blocks.set(at++, piece.rows[place] ?? 0);
    }
    this.blocks.set(block, length);
    this.pieces -= pieces.length;
    this.longs[list - LONG] = undefined;
    this.freeLongs.push(list - LONG);
    return block;
  }

  /** The first chunk whose last row is not older than this one, or the last chunk. */
  private pieceFor(pieces: readonly Piece[], row: number): number {
    let [low, high] = [0, pieces.length - 1];
    const before = pieces[high - 1];
    // Most rows are newer than all others.
    if (before === undefined || this.compare(row, before.rows[before.length - 1] ?? 0) < 0) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const piece = pieces[middle];
      const last = piece?.rows[piece.length - 1] ?? 0;
      if (this.compare(row, last) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private placeInPiece({ rows, length }: Piece, row: number): number {
    const { compare } = this;
    if (length > 0 && compare(row, rows[length - 1] ?? 0) < 0) return length;
    let [low, high] = [0, length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(row, rows[middle] ?? 0) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The position of a reader in a list. The list must not change meanwhile. */
export interface Cursor {
  /** The current row, or −1 after the oldest. */
  readonly row: number;
  /** Moves to the next older row. */
  next(): void;
}

class ShortCursor implements Cursor {
  row: number;
  private readonly blocks: Blocks;
  private readonly begin: number;
  private left: number;

  constructor(blocks: Blocks, begin: number, left: number) {
    this.blocks = blocks;
    this.begin = begin;
    this.left = left;
    this.row = left > 0 ? blocks.get(begin + left - 1) : -1;
  }

  next(): void {
    this.left--;
    this.row = this.left > 0 ? this.blocks.get(this.begin + this.left - 1) : -1;
  }
}

class LongCursor implements Cursor {
  row = -1;
  private readonly pieces: readonly Piece[];
  private piece: number;
  private left: number;

  constructor(pieces: readonly Piece[], passes: ((row: number) => boolean) | undefined) {
    this.pieces = pieces;
    let [low, high] = [0, pieces.length - 1];
    // The first chunk whose last row is too new, or the last chunk.
    while (passes !== undefined && low < high) {
      const middle = (low + high) >>> 1;
      const piece = pieces[middle];
      if (passes(piece?.rows[piece.length - 1] ?? 0)) low = middle + 1;
      else high = middle;
    }
    this.piece = passes === undefined ? pieces.length - 1 : low;
    const piece = pieces[this.piece];
    this.left = piece === undefined ? 0 : howManyPass(piece, passes);
    this.settle();
  }

  next(): void {
    this.left--;
    this.settle();
  }

  private settle(): void {
    while (this.left === 0 && this.piece > 0) this.left = this.pieces[--this.piece]?.length ?? 0;
    this.row = this.left > 0 ? (this.pieces[this.piece]?.rows[this.left - 1] ?? -1) : -1;
  }
}

/** How many rows of a chunk pass: all from the oldest up to some row. */
function howManyPass({ rows, length }: Piece, passes: ((row: number) => boolean) | undefined): number {
  let [low, high] = passes === undefined ? [length, length] : [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (passes?.(rows[middle] ?? 0) === true) low = middle + 1;
    else high = middle;
  }
  return low;
}
