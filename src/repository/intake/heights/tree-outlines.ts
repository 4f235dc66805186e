/**
 * Which ids are new in each tree of a pack, read from the deltas, without applying them. A pack keeps nearly every tree as a delta of some
 * 50 bytes, which copies its base but for one id. So it is enough to know where the entries of the base end: its outline. A delta
 * that does nothing but replace ids leaves the outline as it is, and both trees share it. There is room for a number of outlines; one that
 * was dropped is made again when a delta builds on its tree.
 */
import {
  DeltaSteps,
  type EntryName,
  FOLDER_ENTRY,
  followsPlainly,
  kindOfEntry,
  ODD_ENTRY,
} from '../../../git/index.ts';
import { KeptOutlines, type Outline } from './kept-outlines.ts';
import { type KeptTrees, NO_BASE } from './kept-trees.ts';
import { WholeTrees } from './whole-trees.ts';

/** Is called for an id: the number of its tree, what its entry is (see `kindOfEntry`), and where the raw id begins in a buffer. */
export type IdVisitor = (tree: number, kind: number, bytes: Buffer, at: number) => void;

/** Bytes of a tree: its entries' ends are kept in 32 bits. A larger one is refused by git for its size anyway. */
const LARGEST_TREE = 2 ** 32 - 1;
/** So many bits fewer has the number of steps of an entry than that of its bytes in front of the id. */
const STEPS_OF_BYTES = 6;
const SPACE = 0x20;
const NO_ID = -1;
const NO_PLACE = -1;
const NO_ENTRIES: Outline = { ends: new Uint32Array(0), kinds: new Uint8Array(0) };

/** The name of an entry, and what it is. */
interface Head extends EntryName {
  readonly kind: number;
}

export class TreeOutlines {
  readonly trees: KeptTrees;
  private readonly idLength: number;
  private readonly visit: IdVisitor;
  private readonly onOdd: (tree: number) => void;
  private readonly outlines: KeptOutlines;
  /** True while an outline is made again: its ids were visited before. */
  private again = false;
  private readonly delta = new DeltaSteps();
  private readonly wholes: WholeTrees;
  private readonly id: Buffer;
  /** Places of the entries in progress whose ids a delta replaces in part. */
  private readonly pieced: number[] = [];
  /** Where the entries of the tree in progress end, what they are, and how many there are. */
  private ends = new Uint32Array(1024);
  private kinds = new Uint8Array(1024);
  private entries = 0;
  /** Places of those that are not copied whole from the base. */
  private readonly fresh: number[] = [];
  /** Bytes of the tree that were passed. */
  private position = 0;
  /** Where the entry in progress begins, and how many bytes of its id were passed; NO_ID in front of the id. */
  private entry = 0;
  private inId = NO_ID;
  /** The entry of the base that has all bytes of the one in progress so far, `shift` bytes further on; or NO_PLACE. */
  private inherits = NO_PLACE;
  private shift = 0;
  /** The last entry of the base that was copied whole. */
  private lastInherited = NO_PLACE;
  /** True when entries of the base come in another order. */
  private isMixed = false;

  /**
   * @param visit is called for each id of a tree kept whole that is not one of a file, and for each that a delta brings, for some twice
   * @param onOdd is called for each tree that git's checks may have something to say about. The others are good if what they build on is,
   *   and if whatever they link to is there; for some it is called twice
   * @param outlines where they are kept
   */
  constructor(
    trees: KeptTrees,
    idLength: number,
    visit: IdVisitor,
    onOdd: (tree: number) => void = () => undefined,
    outlines = new KeptOutlines(),
  ) {
    this.trees = trees;
    this.idLength = idLength;
    this.visit = visit;
    this.onOdd = onOdd;
    this.outlines = outlines;
    this.wholes = new WholeTrees(trees);
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
    if (delta.baseSize !== trees.sizeOf(base) || delta.resultSize > LARGEST_TREE) return false;
    trees.add(size, base, delta.resultSize);
    return this.outline(tree, base, this.outlineOf(base));
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
      this.feed(trees.buffer, from, to);
      return this.finish(tree);
    }
    delta.begin(trees.buffer, from, to);
    if (this.replacesIds(tree, known)) {
      this.outlines.share(tree, base);
      return this.visitPieced(tree, known);
    }
    this.begin();
    delta.begin(trees.buffer, from, to);
    while (trees.steps >= 0 && delta.read()) {
      if (delta.copies) this.copy(base, known);
      else this.feed(trees.buffer, delta.at, delta.at + delta.length);
    }
    return this.position === delta.resultSize && this.finish(tree);
  }

  private begin(): void {
    this.pieced.length = 0;
    this.fresh.length = 0;
    this.entries = 0;
    this.position = 0;
    this.entry = 0;
    this.inId = NO_ID;
    this.inherits = NO_PLACE;
    this.lastInherited = NO_PLACE;
    this.isMixed = false;
  }

  /** Follows a delta that does nothing but replace bytes of ids. @returns false when it does something else */
  private replacesIds(tree: number, { ends, kinds }: Outline): boolean {
    const { delta, trees, idLength, pieced } = this;
    if (delta.baseSize !== delta.resultSize) return false;
    let position = 0;
    while (trees.steps-- >= 0 && delta.read()) {
      const { at, length } = delta;
      if (delta.copies) {
        if (at !== position) return false;
      } else {
        const place = firstAbove(ends, position);
        const end = ends[place] ?? 0;
        if (position < end - idLength || position + length > end) return false;
        if (length !== idLength) pieced.push(place);
        else this.visitReplaced(tree, kinds[place] ?? 0, trees.buffer, at);
      }
      position += length;
    }
    return position === delta.resultSize;
  }

  /** Visits the id of an entry whose mode and name are those of one of the base. */
  private visitReplaced(tree: number, kind: number, bytes: Buffer, at: number): void {
    if (this.again) return;
    this.visit(tree, kind, bytes, at);
    if (kind >= ODD_ENTRY) this.onOdd(tree);
  }

  /** Passes what a delta copies from its base. */
  private copy(base: number, known: Outline): void {
    const { delta, trees, idLength } = this;
    const { ends } = known;
    let from = delta.at;
    const to = from + delta.length;
    for (let place = firstAbove(ends, from); from < to && trees.steps >= 0; ) {
      if (this.inId === NO_ID && this.position === this.entry && from === beginOf(ends, place)) {
        place = this.inheritEntries(known, place, to);
        from = beginOf(ends, place);
        if (from === to) return;
        this.inherits = place;
        this.shift = from - this.position;
      }
      if (from - this.position !== this.shift) this.inherits = NO_PLACE;
      const end = ends[place] ?? 0;
      let length = Math.min(to, end) - from;
      if (this.inId !== NO_ID) {
        length = Math.min(length, idLength - this.inId);
        this.passId(length, known);
      } else if (from >= end - idLength) {
        // Bytes of an id there, in front of an id here.
        trees.copy(base, from, length, this.id, 0);
        this.feed(this.id, 0, length);
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
  private inheritEntries({ ends, kinds }: Outline, first: number, to: number): number {
    let from = beginOf(ends, first);
    let place = first;
    for (; place < ends.length; place++) {
      const end = ends[place] ?? 0;
      if (end > to) break;
      this.position += end - from;
      this.inherit(place, kinds[place] ?? 0);
      from = end;
    }
    return place;
  }

  /** Passes bytes that are no part of an entry of the base, or not at the same place of it. */
  private feed(bytes: Buffer, from: number, to: number): void {
    const { idLength } = this;
    this.inherits = NO_PLACE;
    for (let at = from; at < to; ) {
      if (this.inId === NO_ID) {
        const begin = at;
        while (at < to && bytes[at] !== 0) at++;
        if (at < to) {
          at++;
          this.inId = 0;
        }
        this.position += at - begin;
        continue;
      }
      const length = Math.min(idLength - this.inId, to - at);
      this.passId(length, NO_ENTRIES);
      at += length;
    }
  }

  /** @param known outline of the base */
  private passId(length: number, { kinds }: Outline): void {
    this.inId += length;
    this.position += length;
    if (this.inId < this.idLength) return;
    if (this.inherits !== NO_PLACE) {
      this.inherit(this.inherits, kinds[this.inherits] ?? 0);
      return;
    }
    this.fresh.push(this.entries);
    this.endEntry(0);
  }

  private inherit(place: number, kind: number): void {
    if (place <= this.lastInherited) this.isMixed = true;
    this.lastInherited = place;
    this.endEntry(kind);
  }

  private endEntry(kind: number): void {
    this.inId = NO_ID;
    this.entry = this.position;
    this.inherits = NO_PLACE;
    if (this.entries === this.ends.length) {
      const [ends, kinds] = [new Uint32Array(2 * this.entries), new Uint8Array(2 * this.entries)];
      ends.set(this.ends);
      kinds.set(this.kinds);
      this.ends = ends;
      this.kinds = kinds;
    }
    this.ends[this.entries] = this.position;
    this.kinds[this.entries++] = kind;
    this.trees.steps--;
  }

  private finish(tree: number): boolean {
    if (this.inId !== NO_ID || this.entry !== this.position) return false;
    this.lookAtFresh(tree);
    this.outlines.keep(tree, {
      ends: this.ends.slice(0, this.entries),
      kinds: this.kinds.slice(0, this.entries),
    });
    return this.trees.steps >= 0;
  }

  /** Finds out what the entries are that are not copied whole, and whether they are where they belong. */
  private lookAtFresh(tree: number): void {
    const { fresh, trees, kinds, again } = this;
    const isKeptWhole = trees.baseOf(tree) === NO_BASE;
    const whole = isKeptWhole || fresh.length === 0 ? trees.buffer : this.wholes.bytesOf(tree);
    if (whole === undefined) return;
    const start = isKeptWhole ? trees.beginOf(tree) : 0;
    let isOdd = this.isMixed;
    /** The entry that was looked at last. */
    let last: Head | undefined;
    let place = NO_PLACE;
    for (const next of fresh) {
      if (!again) {
        if (last !== undefined && place + 1 < next) {
          const behind = this.headOf(whole, start, ++place);
          if (!followsPlainly(last, behind)) isOdd = true;
          last = behind;
        }
        if (place !== next - 1) last = this.headOf(whole, start, next - 1);
      }
      const head = this.headOf(whole, start, next);
      kinds[next] = head.kind;
      if (again) continue;
      if (head.kind >= ODD_ENTRY || (last !== undefined && !followsPlainly(last, head))) isOdd = true;
      if (!isKeptWhole || (head.kind & FOLDER_ENTRY) !== 0) this.visit(tree, head.kind, whole, head.to + 1);
      last = head;
      place = next;
    }
    if (last !== undefined && place + 1 < this.entries) {
      if (!followsPlainly(last, this.headOf(whole, start, place + 1))) isOdd = true;
    }
    if (isOdd && !again) this.onOdd(tree);
  }

  /** Reads mode and name of an entry. */
  private headOf(whole: Buffer, start: number, place: number): Head {
    const { trees, ends, idLength } = this;
    const to = start + (ends[place] ?? 0) - idLength - 1;
    const begin = start + beginOf(ends, place);
    // A delta of some bytes makes names of many MiB.
    trees.steps -= 1 + ((to - begin) >>> STEPS_OF_BYTES);
    if (trees.steps < 0) return { bytes: whole, from: to, to, kind: ODD_ENTRY };
    let from = begin;
    while (from < to && whole[from] !== SPACE) from++;
    return { bytes: whole, from: Math.min(from + 1, to), to, kind: kindOfEntry(whole, begin, to) };
  }

  /** Visits the ids that have to be put together. */
  private visitPieced(tree: number, { ends, kinds }: Outline): boolean {
    const { pieced, idLength, id, trees } = this;
    for (const place of this.again ? [] : pieced) {
      trees.copy(tree, (ends[place] ?? 0) - idLength, idLength, id, 0);
      this.visitReplaced(tree, kinds[place] ?? 0, id, 0);
    }
    return trees.steps >= 0;
  }
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
