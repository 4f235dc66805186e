/**
 * Which ids are new in each tree of a pack, read from the deltas, without applying them. A pack keeps nearly every tree as a delta of some
 * 50 bytes, which copies its base but for one id. So it is enough to know where the entries of the base end: its outline. A delta
 * that does nothing but replace ids leaves the outline as it is, and both trees share it. There is room for a number of outlines; one that
 * was dropped is made again when a delta builds on its tree.
 */
import { DeltaSteps } from '../../../git/index.ts';
import { KeptOutlines, type Outline } from './kept-outlines.ts';
import { type KeptTrees, NO_BASE } from './kept-trees.ts';

/** Is called for an id: the number of its tree, where the entry begins there, and where the raw id begins in a buffer. */
export type IdVisitor = (tree: number, entry: number, bytes: Buffer, at: number) => void;

const SPACE = 0x20;
const ZERO = 0x30;
const ONE = 0x31;
/** Bytes of the mode of a file, with the space that follows. */
const FILE_MODE = 7;
/** Bytes that a mode may have: some old programs wrote zeros in front. */
const LONGEST_MODE = 32;
const TYPE_OF_FILE = 0o170_000;
const FOLDER = 0o040_000;
const NO_ID = -1;
const NO_ENTRIES: Outline = new Uint32Array(0);

export class TreeOutlines {
  readonly trees: KeptTrees;
  private readonly idLength: number;
  private readonly visit: IdVisitor;
  private readonly outlines: KeptOutlines;
  /** True while an outline is made again: its ids were visited before. */
  private again = false;
  private readonly delta = new DeltaSteps();
  private readonly id: Buffer;
  private readonly mode = Buffer.alloc(LONGEST_MODE);
  /** Entries of the tree in progress whose ids have to be put together: where each begins, and where it ends. */
  private readonly pieced: number[] = [];
  /** Where the entries of the tree in progress end, and how many there are. */
  private ends = new Uint32Array(1024);
  private entries = 0;
  /** Bytes of the tree that were passed. */
  private position = 0;
  /** Where the entry in progress begins, and how many bytes of its id were passed; NO_ID in front of the id. */
  private entry = 0;
  private inId = NO_ID;
  /** True while all bytes of the entry are those of one entry of the base, where they lie `shift` bytes further on. */
  private inherits = false;
  private shift = 0;
  /** True when its id need not be visited any more. */
  private visited = false;

  /**
   * @param visit is called for each id of a tree kept whole that is not one of a file, and for each that a delta brings, for some twice
   * @param outlines where they are kept
   */
  constructor(trees: KeptTrees, idLength: number, visit: IdVisitor, outlines = new KeptOutlines()) {
    this.trees = trees;
    this.idLength = idLength;
    this.visit = visit;
    this.outlines = outlines;
    this.id = Buffer.alloc(idLength);
  }

  /**
   * Adds the tree whose entry was inflated to the room that `trees` has made.
   * @param size of the entry
   * @param base number of the tree that it is a delta from, or NO_BASE
   * @returns false when it is no tree as git writes it, or there is too much to do. Then nothing was learnt of any tree.
   * @throws CairnError `corrupt` if it is not a delta
   */
  add(from: number, size: number, base: number): boolean {
    const { trees, delta } = this;
    const tree = trees.count;
    if (base === NO_BASE) {
      trees.add(size, base, size);
      return this.outline(tree, base, NO_ENTRIES);
    }
    delta.begin(trees.buffer, from, from + size);
    if (delta.baseSize !== trees.sizeOf(base)) return false;
    trees.add(size, base, delta.resultSize);
    return this.outline(tree, base, this.outlineOf(base));
  }

  /** True if an entry of a tree is a folder, or may be one. */
  isFolder(tree: number, entry: number): boolean {
    const { trees, mode } = this;
    const length = Math.min(LONGEST_MODE, trees.sizeOf(tree) - entry);
    trees.copy(tree, entry, length, mode, 0);
    let bits = 0;
    for (let at = 0; at < length; at++) {
      const byte = mode[at] ?? 0;
      if (byte === SPACE) return (bits & TYPE_OF_FILE) === FOLDER;
      bits = ((bits << 3) + byte - ZERO) >>> 0;
    }
    return true;
  }

  /** The outline of a tree. It is made again if it was dropped, from those of the trees that the tree builds on. */
  private outlineOf(tree: number): Outline {
    const { trees, outlines } = this;
    const dropped: number[] = [];
    let at = tree;
    for (; at !== NO_BASE && outlines.of(at) === undefined; at = trees.baseOf(at)) dropped.push(at);
    let known = outlines.of(at) ?? NO_ENTRIES;
    this.again = true;
    for (let next = dropped.pop(); next !== undefined && trees.steps >= 0; next = dropped.pop()) {
      this.outline(next, at, known);
      at = next;
      known = outlines.of(at) ?? NO_ENTRIES;
    }
    this.again = false;
    return known;
  }

  /**
   * Finds the outline of a tree whose entry is kept.
   * @param known outline of the base
   * @returns as {@link add}
   */
  private outline(tree: number, base: number, known: Outline): boolean {
    const { trees, delta } = this;
    const [from, to] = [trees.beginOf(tree), trees.endOf(tree)];
    this.begin();
    if (base === NO_BASE) {
      this.feed(tree, trees.buffer, from, to);
      return this.finish(tree);
    }
    delta.begin(trees.buffer, from, to);
    if (this.replacesIds(tree, known)) {
      this.outlines.share(tree, base);
      return this.visitPieced(tree);
    }
    this.begin();
    delta.begin(trees.buffer, from, to);
    while (trees.steps >= 0 && delta.read()) {
      if (delta.copies) this.copy(tree, base, known);
      else this.feed(tree, trees.buffer, delta.at, delta.at + delta.length);
    }
    return this.position === delta.resultSize && this.finish(tree);
  }

  private begin(): void {
    this.pieced.length = 0;
    this.entries = 0;
    this.position = 0;
    this.entry = 0;
    this.inId = NO_ID;
    this.inherits = false;
    this.visited = false;
  }

  /** Follows a delta that does nothing but replace bytes of ids. @returns false when it does something else */
  private replacesIds(tree: number, known: Outline): boolean {
    const { delta, trees, idLength, pieced } = this;
    if (delta.baseSize !== delta.resultSize) return false;
    let position = 0;
    while (trees.steps-- >= 0 && delta.read()) {
      const { at, length } = delta;
      if (delta.copies) {
        if (at !== position) return false;
      } else {
        const place = firstAbove(known, position);
        const end = known[place] ?? 0;
        if (position < end - idLength || position + length > end) return false;
        const entry = beginOf(known, place);
        if (length !== idLength) pieced.push(entry, end);
        else if (!this.again) this.visit(tree, entry, trees.buffer, at);
      }
      position += length;
    }
    return position === delta.resultSize;
  }

  /** Passes what a delta copies from its base. */
  private copy(tree: number, base: number, known: Outline): void {
    const { delta, trees, idLength } = this;
    let from = delta.at;
    const to = from + delta.length;
    for (let place = firstAbove(known, from); from < to && trees.steps >= 0; ) {
      if (this.inId === NO_ID && this.position === this.entry && from === beginOf(known, place)) {
        place = this.inheritEntries(known, place, to);
        from = beginOf(known, place);
        if (from === to) return;
        this.inherits = true;
        this.shift = from - this.position;
      }
      if (from - this.position !== this.shift) this.inherits = false;
      const end = known[place] ?? 0;
      let length = Math.min(to, end) - from;
      if (this.inId !== NO_ID) {
        length = Math.min(length, idLength - this.inId);
        this.passId(length);
      } else if (from >= end - idLength) {
        // Bytes of an id there, in front of an id here.
        trees.copy(base, from, length, this.id, 0);
        this.feed(tree, this.id, 0, length);
      } else {
        length = Math.min(length, end - idLength - from);
        this.position += length;
        if (from + length === end - idLength) this.inId = 0;
      }
      from += length;
      if (from === end) place++;
    }
  }

  /** Passes entries that are copied whole, from one of the base on. @returns the place of the one behind them */
  private inheritEntries(known: Outline, first: number, to: number): number {
    let from = beginOf(known, first);
    let place = first;
    for (; place < known.length; place++) {
      const end = known[place] ?? 0;
      if (end > to) break;
      this.position += end - from;
      this.endEntry();
      from = end;
    }
    return place;
  }

  /** Passes bytes that are no part of an entry of the base, or not at the same place of it. */
  private feed(tree: number, bytes: Buffer, from: number, to: number): void {
    const { idLength } = this;
    this.inherits = false;
    for (let at = from; at < to; ) {
      if (this.inId === NO_ID) {
        const begin = at;
        if (this.position === this.entry && isNoFolder(bytes, at, to)) {
          this.visited = true;
          at += FILE_MODE;
        }
        while (at < to && bytes[at] !== 0) at++;
        if (at < to) {
          at++;
          this.inId = 0;
        }
        this.position += at - begin;
        continue;
      }
      const length = Math.min(idLength - this.inId, to - at);
      if (length === idLength && !this.visited) {
        if (!this.again) this.visit(tree, this.entry, bytes, at);
        this.visited = true;
      }
      this.passId(length);
      at += length;
    }
  }

  private passId(length: number): void {
    this.inId += length;
    this.position += length;
    if (this.inId < this.idLength) return;
    if (!this.inherits && !this.visited) this.pieced.push(this.entry, this.position);
    this.endEntry();
  }

  private endEntry(): void {
    this.inId = NO_ID;
    this.entry = this.position;
    this.inherits = false;
    this.visited = false;
    if (this.entries === this.ends.length) {
      const grown = new Uint32Array(2 * this.entries);
      grown.set(this.ends);
      this.ends = grown;
    }
    this.ends[this.entries++] = this.position;
    this.trees.steps--;
  }

  private finish(tree: number): boolean {
    if (this.inId !== NO_ID || this.entry !== this.position) return false;
    this.outlines.keep(tree, this.ends.slice(0, this.entries));
    return this.visitPieced(tree);
  }

  /** Visits the ids that have to be put together. */
  private visitPieced(tree: number): boolean {
    const { pieced, idLength, id, trees } = this;
    for (let at = 0; at < pieced.length && !this.again; at += 2) {
      trees.copy(tree, (pieced[at + 1] ?? 0) - idLength, idLength, id, 0);
      this.visit(tree, pieced[at] ?? 0, id, 0);
    }
    return trees.steps >= 0;
  }
}

/** True if six octal digits begin here, the first of them a 1, and a space follows: a file, a symbolic link or a submodule. */
function isNoFolder(bytes: Buffer, at: number, end: number): boolean {
  if (at + FILE_MODE > end || bytes[at] !== ONE || bytes[at + FILE_MODE - 1] !== SPACE) return false;
  for (let digit = 1; digit < FILE_MODE - 1; digit++)
    if (((bytes[at + digit] ?? 0) & 0xf8) !== ZERO) return false;
  return true;
}

/** Where an entry begins. */
function beginOf(ends: Uint32Array, place: number): number {
  return place === 0 ? 0 : (ends[place - 1] ?? 0);
}

/** Which of ascending numbers is the first above another one. */
function firstAbove(numbers: Uint32Array, number: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] ?? 0) <= number) low = middle + 1;
    else high = middle;
  }
  return low;
}
