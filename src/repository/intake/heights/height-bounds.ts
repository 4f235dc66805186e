/**
 * An upper bound of the height of each tree of a pack, and of the bytes of its heaviest path, found on the one way through the pack
 * that every pack is looked through on. A tree that is kept as a delta is taken to link to whatever its base links to, and to
 * what the delta brings. So no delta is applied, and each link is followed once, not in every tree that has it. A pack whose
 * bounds are within the limits is within them. Of others the heights themselves are found (`link-heights.ts`).
 */
import { inflateSync } from 'node:zlib';
import { DeltaSteps, FOLDER_ENTRY, PACKED_BLOB, PACKED_TREE } from '../../../git/index.ts';
import { adler32 } from '../../../lib/adler32.ts';
import { inStretches } from '../../../lib/cooperative.ts';
import { GrowingWords } from '../../../lib/growing-words.ts';
import { Inflater } from '../../../lib/inflate.ts';
import type { SortedIds } from '../../../lib/sorted-ids.ts';
import { mostOdd } from '../bounds/most-odd.ts';
import type { DeflatedEntry, EntryListener } from '../entries/entry-listener.ts';
import { type EdgesByTarget, edgesByTarget } from './edges.ts';
import { HEAVIEST, type HeightMemory, HIGHEST, type Reach } from './height-memory.ts';
import { KeptTrees, NO_BASE } from './kept-trees.ts';
import { TreeOutlines } from './tree-outlines.ts';
import { UnresolvedLinks } from './unresolved-links.ts';

/** Below so many objects in a pack it is faster to find the heights at once. */
export const MANY_OBJECTS = 1_000;
/** Up to so many bytes zlib takes longer to be called than they take to be inflated in JavaScript. */
const SMALL = 4_096;
/** Links, 8 bytes each. */
const MOST_LINKS = 2 ** 22;
const NONE = -1;
/** The first digit of the mode of a file. */
const ONE = 0x31;
/** Of an entry that is not as git writes it, or too much to keep. */
export const UNREADABLE = -1;
/** Bytes of the checksum behind a deflated entry. */
const CHECKSUM_BYTES = 4;

export class HeightBounds implements EntryListener {
  private readonly idLength: number;
  private readonly memory: HeightMemory;
  private readonly trees: KeptTrees;
  private readonly outlines: TreeOutlines;
  private readonly inflater = new Inflater();
  private readonly delta = new DeltaSteps();
  /** False once it is clear that nothing will come of it. */
  private possible = true;
  /** The ids of the objects of the pack, once they are known. */
  private ids: SortedIds | undefined;
  /** Links of trees that were read before the ids were known. */
  private readonly unresolved: UnresolvedLinks;
  /** By place among the ids: the number of the tree, or NONE. */
  private numbers = new Int32Array(0);
  /** Pairs: the place of an object that is linked to, and twice the number of the tree that links to it, one more if as to a folder. */
  private readonly links = new GrowingWords(0);
  /** Trees that git's checks may have something to say about. */
  private readonly odd = new Set<number>();
  /** True when there were more of them. */
  private tooOdd = false;
  /** By number: the highest and the heaviest of what it links to, as far as that is known. */
  private readonly below = new GrowingWords(0);
  private readonly heaviest = new GrowingWords(0);

  /** @param idLength bytes of a raw id */
  constructor(idLength: number, memory: HeightMemory) {
    this.idLength = idLength;
    this.memory = memory;
    this.unresolved = new UnresolvedLinks(idLength);
    this.trees = new KeptTrees();
    const visit = (tree: number, kind: number, bytes: Buffer, at: number) => {
      if (this.ids === undefined) this.keepLink(tree, kind, bytes, at);
      else this.link(this.ids, tree, kind, bytes, at);
    };
    this.outlines = new TreeOutlines(this.trees, idLength, visit, (tree) => this.addOdd(tree));
  }

  /** What was taken in part says nothing. */
  giveUp(): void {
    this.possible = false;
  }

  /** How many trees were taken. */
  get count(): number {
    return this.trees.count;
  }

  /** Much may be kept of a large pack. @param packBytes as far as it has come */
  allow(packBytes: number): void {
    this.trees.allow(packBytes);
  }

  /**
   * Hears of a tree before the ids of the objects are known.
   * @param bytes have its entry from `from` on, deflated
   * @param size bytes once it is inflated
   * @param base number of the tree that it is a delta from, or NO_BASE
   * @returns where it ends; undefined when it is not there as a whole, or {@link UNREADABLE}
   * @throws CairnError `corrupt` for what git would not take in
   */
  hear(bytes: Buffer, from: number, size: number, base: number): number | undefined {
    const { trees, inflater } = this;
    const room = this.possible ? trees.room(size) : undefined;
    if (room === undefined) return UNREADABLE;
    const end = bytes.length - CHECKSUM_BYTES;
    if (!inflater.inflate(bytes, from, end, trees.buffer, room, size)) return undefined;
    this.add(room, size, base);
    return this.possible ? inflater.end + CHECKSUM_BYTES : UNREADABLE;
  }

  /**
   * True if unchecked bytes have an entry of a tree from `from` on: deflated, of that size, with the right checksum.
   * @param base number of the tree that it would be a delta from, or NO_BASE
   */
  fits(bytes: Buffer, from: number, size: number, base: number): boolean {
    const { trees, inflater } = this;
    const room = this.possible ? trees.room(size) : undefined;
    const last = bytes.length - CHECKSUM_BYTES;
    if (room === undefined || !inflater.inflate(bytes, from, last, trees.buffer, room, size)) return false;
    if (bytes.readUInt32BE(inflater.end) !== adler32(trees.buffer, room, size)) return false;
    if (base === NO_BASE) return startsWithMode(trees.buffer, room);
    this.delta.begin(trees.buffer, room, room + size);
    return this.delta.baseSize === trees.sizeOf(base);
  }

  /**
   * Goes on with the ids of the objects.
   * @param places of the trees that were read early among them, by number
   */
  async know(ids: SortedIds, places: Uint32Array): Promise<void> {
    const { unresolved } = this;
    const numbers = new Int32Array(ids.count).fill(NONE);
    await inStretches(places.length, (from, to) => {
      for (let tree = from; tree < to; tree++) numbers[places[tree] ?? 0] = tree;
    });
    this.ids = ids;
    this.numbers = numbers;
    await inStretches(unresolved.count, (from, to) => {
      for (let at = from; at < to; at++)
        this.link(ids, unresolved.treeOf(at), unresolved.kindOf(at), unresolved.ids, at * this.idLength);
    });
    unresolved.clear();
  }

  wants(type: number | undefined, base: number): boolean {
    return this.possible && (base === NONE ? type === PACKED_TREE : this.numbers[base] !== NONE);
  }

  /** @throws CairnError `corrupt` for what git would not have taken in */
  take({ place, base, bytes, from, to, size }: DeflatedEntry): void {
    const { trees } = this;
    const room = trees.room(size);
    if (room === undefined || !this.inflate(bytes, from, to, room, size)) {
      this.possible = false;
      return;
    }
    this.numbers[place] = trees.count;
    this.add(room, size, base === NONE ? NO_BASE : (this.numbers[base] ?? NO_BASE));
  }

  /**
   * @param types of all objects of the pack
   * @returns true when all trees of the pack are within the limit; false when some may not be
   */
  async within(limit: Reach, types: Uint8Array): Promise<boolean> {
    if (!this.possible || !(await this.hasAll(types))) return false;
    const { trees } = this;
    const edges = await this.edges();
    const open = new Uint32Array(trees.count);
    await inStretches(edges.length / 2, (from, to) => {
      for (let at = from; at < to; at++) {
        const tree = (edges[2 * at + 1] ?? 0) >>> 1;
        open[tree] = (open[tree] ?? 0) + 1;
      }
    });
    const byTarget = await edgesByTarget(edges, trees.count);
    // Each tree gets here once, when all that it waits for is known.
    const settled = new Uint32Array(trees.count);
    let known = 0;
    for (let tree = 0; tree < trees.count; tree++) if (open[tree] === 0) settled[known++] = tree;
    let isWithin = true;
    await inStretches(trees.count, (from, to) => {
      for (let at = from; at < to && at < known && isWithin; at++) {
        const tree = settled[at] ?? 0;
        const { height, bytes } = this.boundOf(tree);
        isWithin = height <= limit.height && bytes <= limit.bytes;
        known = this.tell(tree, byTarget, open, settled, known);
      }
    });
    // Where a delta waits for its base and that waits for the delta, both are left.
    return isWithin && known === trees.count;
  }

  /**
   * The trees that git's checks may have something to say about, or the links of which do not lead to what they should. All others are
   * as git wants them if these are.
   * @param types of all objects of the pack
   * @returns places among the ids; undefined when some trees were not looked at, or too many are odd
   */
  async oddTrees(types: Uint8Array): Promise<Set<number> | undefined> {
    const { odd, ids } = this;
    if (!this.possible || ids === undefined || !(await this.hasAll(types))) return undefined;
    const links = this.links.values();
    await inStretches(links.length / 2, (from, to) => {
      for (let at = from; at < to; at++) {
        const source = links[2 * at + 1] ?? 0;
        if (types[links[2 * at] ?? 0] !== (source & 1 ? PACKED_TREE : PACKED_BLOB)) this.addOdd(source >>> 1);
      }
    });
    await this.checkWhole(ids, types);
    const places = new Set<number>();
    if (this.tooOdd) return undefined;
    const { numbers } = this;
    await inStretches(numbers.length, (from, to) => {
      for (let place = from; place < to; place++) if (odd.has(numbers[place] ?? NONE)) places.add(place);
    });
    return places;
  }

  /** Follows the links to files of trees that are kept whole. */
  private async checkWhole(ids: SortedIds, types: Uint8Array): Promise<void> {
    const { trees, odd } = this;
    await inStretches(trees.count, (from, to) => {
      for (let tree = from; tree < to; tree++) {
        if (trees.baseOf(tree) !== NO_BASE || odd.has(tree)) continue;
        const { buffer } = trees;
        const end = trees.endOf(tree);
        for (let at = trees.beginOf(tree); at < end; ) {
          const isFile = buffer[at] === ONE;
          while (buffer[at] !== 0) at++;
          const place = isFile ? ids.indexOf(buffer, ++at) : NONE;
          if (isFile && (place === NONE || types[place] !== PACKED_BLOB)) this.addOdd(tree);
          at += isFile ? ids.idLength : ids.idLength + 1;
        }
      }
    });
  }

  /**
   * Remembers bounds, once all are within a limit.
   * @param places of trees
   */
  remember(places: Uint32Array): void {
    const { ids, numbers, memory } = this;
    if (ids === undefined) return;
    // The highest last, so that they are evicted last.
    const known = [...places].map((place) => ({ place, ...this.boundOf(numbers[place] ?? 0) }));
    for (const { place, height, bytes } of known.sort((a, b) => a.height - b.height))
      memory.set(ids.at(place).toString('hex'), { height, bytes, atMost: true });
  }

  /** Adds the tree that was inflated to the room for it. */
  private add(room: number, size: number, base: number): void {
    this.below.push(0);
    this.heaviest.push(0);
    if (!this.outlines.add(room, size, base)) this.possible = false;
  }

  private addOdd(tree: number): void {
    const { odd, trees } = this;
    if (odd.size < mostOdd(trees.count)) odd.add(tree);
    else if (!odd.has(tree)) this.tooOdd = true;
  }

  private keepLink(tree: number, kind: number, bytes: Buffer, at: number): void {
    this.unresolved.push(tree, kind, bytes, at);
    if (this.unresolved.count > MOST_LINKS) this.possible = false;
  }

  private inflate(bytes: Buffer, from: number, to: number, room: number, size: number): boolean {
    const { buffer } = this.trees;
    if (size <= SMALL && this.inflater.inflate(bytes, from, to, buffer, room, size)) return true;
    const inflated = inflateSync(bytes.subarray(from, to), { maxOutputLength: Math.max(1, size) });
    return inflated.copy(buffer, room) === size;
  }

  /** Notes what a tree links to. */
  private link(ids: SortedIds, tree: number, kind: number, bytes: Buffer, at: number): void {
    const { links, below, heaviest } = this;
    const place = ids.indexOf(bytes, at);
    if (place !== NONE) {
      links.push(place);
      links.push(2 * tree + (kind & FOLDER_ENTRY));
      if (links.length > 2 * MOST_LINKS) this.possible = false;
      return;
    }
    this.addOdd(tree);
    if ((kind & FOLDER_ENTRY) === 0) return;
    const known = this.memory.get(bytes.toString('hex', at, at + ids.idLength));
    if (known === undefined) {
      this.possible = false;
      return;
    }
    below.set(tree, Math.max(below.get(tree), known.height));
    heaviest.set(tree, Math.max(heaviest.get(tree), known.bytes));
  }

  /** True if all trees were taken: large ones are not, nor those whose bases come behind them. */
  private async hasAll(types: Uint8Array): Promise<boolean> {
    let trees = 0;
    await inStretches(types.length, (from, to) => {
      for (let place = from; place < to; place++) if (types[place] === PACKED_TREE) trees++;
    });
    return trees === this.trees.count;
  }

  /**
   * Who waits for whom, as pairs: a tree, and twice the number of one that waits for it. One more than twice, if that takes over
   * what its base links to.
   */
  private async edges(): Promise<Uint32Array> {
    const { numbers, trees } = this;
    const links = this.links.values();
    const edges = new Uint32Array(links.length + 2 * trees.count);
    let filled = 0;
    await inStretches(links.length / 2, (from, to) => {
      for (let at = from; at < to; at++) {
        const target = numbers[links[2 * at] ?? 0] ?? NONE;
        if (target === NONE) continue;
        edges[filled++] = target;
        edges[filled++] = 2 * ((links[2 * at + 1] ?? 0) >>> 1);
      }
    });
    await inStretches(trees.count, (from, to) => {
      for (let tree = from; tree < to; tree++) {
        const base = trees.baseOf(tree);
        if (base === NO_BASE) continue;
        edges[filled++] = base;
        edges[filled++] = 2 * tree + 1;
      }
    });
    return edges.subarray(0, filled);
  }

  /** Tells those that wait for a tree. @returns how many trees are settled */
  private tell(
    tree: number,
    { starts, sources }: EdgesByTarget,
    open: Uint32Array,
    settled: Uint32Array,
    before: number,
  ): number {
    const { below, heaviest } = this;
    const lowest = below.get(tree);
    const lightest = heaviest.get(tree);
    // Not `boundOf`, which makes an object: this runs for each tree.
    const height = Math.min(lowest + 1, HIGHEST);
    const bytes = Math.min(lightest + this.trees.sizeOf(tree), HEAVIEST);
    let known = before;
    const end = starts[tree + 1] ?? 0;
    for (let at = starts[tree] ?? 0; at < end; at++) {
      const source = sources[at] ?? 0;
      const waiting = source >>> 1;
      const takesOver = (source & 1) === 1;
      const high = takesOver ? lowest : height;
      const heavy = takesOver ? lightest : bytes;
      if (below.get(waiting) < high) below.set(waiting, high);
      if (heaviest.get(waiting) < heavy) heaviest.set(waiting, heavy);
      const left = (open[waiting] ?? 0) - 1;
      open[waiting] = left;
      if (left === 0) settled[known++] = waiting;
    }
    return known;
  }

  private boundOf(tree: number): Reach {
    return {
      height: Math.min(this.below.get(tree) + 1, HIGHEST),
      bytes: Math.min(this.heaviest.get(tree) + this.trees.sizeOf(tree), HEAVIEST),
    };
  }
}

/** True if a tree may begin so: with the mode of an entry, whose digits are octal. */
function startsWithMode(bytes: Buffer, at: number): boolean {
  return ((bytes[at] ?? 0) & 0xf8) === 0x30;
}
