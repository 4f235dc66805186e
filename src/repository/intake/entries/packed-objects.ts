/**
 * The objects of one kind in a pack, read in this process. Trees are kept as differences of some 50 bytes from each other, one
 * after another: to follow these takes a fraction of what it costs to have git print every tree in full.
 */
import { inflateSync } from 'node:zlib';
import { applyDelta, deltaResultSize, readPackEntryHeader } from '../../../git/index.ts';
import { inStretches, Yielder } from '../../../lib/cooperative.ts';
import { CairnError } from '../../../lib/errors.ts';
import { Inflater } from '../../../lib/inflate.ts';
import type { OpenedFile } from '../../../lib/opened-file.ts';
import { MOST_DELTAS, type PackEntries } from './pack-entries.ts';

/** Hears of an object: its place among those asked for, and where in a buffer it lies, for the time of the call alone. */
export type TakeStretch = (index: number, bytes: Buffer, from: number, to: number) => void;

/** Bytes of entries, as they are in the pack, that are in memory at once. */
const GATHERED = 8 * 1024 * 1024;
/** Bytes of the objects that the one being made builds on. */
const MOST_HELD = 8 * 1024 * 1024;
/** Bytes of an object, or of the difference it is kept as: of a larger one the event loop would notice. */
const MOST_BYTES = 1024 * 1024;
/** Bytes of objects in all, and for each byte of the pack: a few bytes can say "the same again" many times. */
const MADE_AT_LEAST = 64 * 1024 * 1024;
const MADE_OF_A_BYTE = 4;
/** Up to so many bytes zlib takes longer to be called than they take to be inflated here, once that code is warm: for few it stays cold. */
const SMALL = 4_096;
const FEW = 256;
/** Bytes read at a time, and between two entries that are read together. */
const READ = 256 * 1024;
const GAP = 256;
/** Bytes made between two looks at the clock, and what an object counts for beside its own. */
const LOOK_AFTER = 64 * 1024;
const EACH = 256;

const NONE = -1;

/**
 * Reads objects of a pack that git has checked, those that came last in it first as far as differences allow: git writes what is
 * linked to behind what links to it.
 * @param places of the objects among the entries, ascending: all of their kind that the pack has, so that what an object is kept as
 *   a difference from is one of them
 * @returns which of them, by their indices in `places`, are left to git, the last one of the pack first: they, or what they build
 *   on, are too large
 * @throws CairnError `corrupt` for what cannot be inflated or applied; what `take` throws
 */
export async function readPackedObjects(
  pack: Pick<OpenedFile, 'size' | 'read'>,
  entries: PackEntries,
  places: Uint32Array,
  take: TakeStretch,
): Promise<Uint32Array> {
  const objects = new PackedObjects(pack, entries, places, take);
  await objects.findFamilies();
  for (let batch = 0; batch <= objects.lastBatch; batch++) {
    await objects.gather(batch);
    await objects.make(batch);
  }
  return objects.left();
}

/**
 * A family is an object that is kept whole and all that are kept as differences from it, or from these. Several are gathered at a
 * time, and each is made from its root down, so that no more than one line of it is held.
 */
class PackedObjects {
  lastBatch = 0;
  private readonly pack: Pick<OpenedFile, 'size' | 'read'>;
  private readonly entries: PackEntries;
  private readonly places: Uint32Array;
  private readonly take: TakeStretch;
  private readonly pauses = new Yielder();
  private readonly inflater: Inflater | undefined;
  /** Indices in the order of the pack. */
  private readonly inOrder: Uint32Array;
  /** By index: the root of the family, the first of those that build on it, and the next that builds on the same. */
  private readonly roots: Int32Array;
  private readonly firsts: Int32Array;
  private readonly nexts: Int32Array;
  /** By index: bytes of the entry with its header, and where it has been gathered. */
  private readonly lengths: Uint32Array;
  private readonly begins: Uint32Array;
  /** By index of a root: when the family is gathered. */
  private readonly batches: Int32Array;
  private readonly done: Uint8Array;
  private gathered: Buffer = Buffer.alloc(0);
  /** The line from the root to the object being made, one after another. */
  private held = Buffer.allocUnsafe(16 * 1024);
  /** How many objects there are above the last one in the line; for each where it ends, and which is to be made from it next. */
  private depth = NONE;
  private readonly ends: Uint32Array;
  private readonly line: Int32Array;
  private difference = Buffer.allocUnsafe(1024);
  /** Of the entry whose header was read last: bytes once it is inflated, and where in `gathered` it is deflated. */
  private size = 0;
  private deflated = 0;
  /** How many indices there are in order, and the bytes of the batch that families are chosen for. */
  private ordered = 0;
  private weight = 0;
  private made = 0;
  private sinceLook = 0;

  constructor(
    pack: Pick<OpenedFile, 'size' | 'read'>,
    entries: PackEntries,
    places: Uint32Array,
    take: TakeStretch,
  ) {
    this.pack = pack;
    this.entries = entries;
    this.places = places;
    this.take = take;
    const { length } = places;
    this.inflater = length > FEW ? new Inflater() : undefined;
    this.inOrder = new Uint32Array(length);
    this.roots = new Int32Array(length);
    this.firsts = new Int32Array(length).fill(NONE);
    this.nexts = new Int32Array(length).fill(NONE);
    this.lengths = new Uint32Array(length);
    this.begins = new Uint32Array(length);
    this.batches = new Int32Array(length).fill(NONE);
    this.done = new Uint8Array(length);
    const most = Math.min(length, MOST_DELTAS + 1);
    this.line = new Int32Array(most);
    this.ends = new Uint32Array(most);
  }

  async findFamilies(): Promise<void> {
    const { places, inOrder } = this;
    const indices = new Int32Array(this.entries.order.length).fill(NONE);
    await inStretches(places.length, (from, to) => {
      for (let index = from; index < to; index++) indices[places[index] ?? 0] = index;
    });
    await inStretches(indices.length, (from, to) => this.findParents(indices, from, to));
    const weights = new Float64Array(places.length);
    await inStretches(inOrder.length, (from, to) => this.findRoots(weights, from, to));
    await inStretches(inOrder.length, (from, to) => this.chooseBatches(weights, from, to));
  }

  /** @param from and @param to where in the order of the pack to look for objects of the kind */
  private findParents(indices: Int32Array, from: number, to: number): void {
    const { inOrder, roots, firsts, nexts, lengths } = this;
    const { offsets, order, bases, end } = this.entries;
    for (let at = from; at < to; at++) {
      const place = order[at] ?? 0;
      const index = indices[place] ?? NONE;
      if (index === NONE) continue;
      inOrder[this.ordered++] = index;
      const next = at + 1 < order.length ? (offsets[order[at + 1] ?? 0] ?? 0) : end;
      // What does not fit here is too large anyway.
      lengths[index] = Math.min(next - (offsets[place] ?? 0), 0xffff_ffff);
      const base = bases[place] ?? NONE;
      const parent = base === NONE ? NONE : (indices[base] ?? NONE);
      if (base !== NONE && parent === NONE) throw damaged();
      // Until the root is known: the parent, or itself.
      roots[index] = parent === NONE ? index : parent;
      if (parent === NONE) continue;
      nexts[index] = firsts[parent] ?? NONE;
      firsts[parent] = index;
    }
  }

  /** Finds the roots of families, and how many bytes each family has. */
  private findRoots(weights: Float64Array, from: number, to: number): void {
    const { inOrder, roots, lengths } = this;
    for (let at = from; at < to; at++) {
      const index = inOrder[at] ?? 0;
      let root = index;
      for (let up = roots[root] ?? 0; up !== root; up = roots[root] ?? 0) root = up;
      // The next one has a short way.
      for (let below = index; below !== root; ) {
        const up = roots[below] ?? 0;
        roots[below] = root;
        below = up;
      }
      weights[root] = (weights[root] ?? 0) + (lengths[index] ?? 0) + GAP;
    }
  }

  private chooseBatches(weights: Float64Array, from: number, to: number): void {
    const { inOrder, roots, batches } = this;
    for (let at = from; at < to; at++) {
      const index = inOrder[inOrder.length - 1 - at] ?? 0;
      const own = weights[index] ?? 0;
      if (roots[index] !== index || own > GATHERED) continue;
      this.weight += own;
      if (this.weight > GATHERED) {
        this.lastBatch++;
        this.weight = own;
      }
      batches[index] = this.lastBatch;
    }
  }

  /** Reads the entries of some families. */
  async gather(batch: number): Promise<void> {
    const { inOrder, roots, batches, lengths, begins, places, entries, pack } = this;
    const chosen = inOrder.filter((index) => batches[roots[index] ?? 0] === batch);
    const offsetOf = (at: number) => entries.offsets[places[chosen[at] ?? 0] ?? 0] ?? 0;
    const endOf = (at: number) => offsetOf(at) + (lengths[chosen[at] ?? 0] ?? 0);
    const parts: Buffer[] = [];
    let filled = 0;
    for (let first = 0; first < chosen.length; ) {
      const start = offsetOf(first);
      let behind = first;
      for (; behind < chosen.length; behind++) {
        const offset = offsetOf(behind);
        if (behind > first && (offset - endOf(behind - 1) > GAP || endOf(behind) - start > READ)) break;
        begins[chosen[behind] ?? 0] = filled + offset - start;
      }
      const bytes = await pack.read(start, endOf(behind - 1) - start);
      parts.push(bytes);
      filled += bytes.length;
      first = behind;
      if (this.pauses.isDue) await this.pauses.next();
    }
    this.gathered = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts, filled);
  }

  /** Makes the objects of some families. */
  async make(batch: number): Promise<void> {
    const { batches, inOrder } = this;
    for (let at = inOrder.length - 1; at >= 0; at--) {
      const root = inOrder[at] ?? 0;
      if (batches[root] !== batch || !this.makeRoot(root)) continue;
      while (!this.makeLines()) await this.pauses.next();
      if (this.pauses.isDue) await this.pauses.next();
    }
  }

  /** Makes what builds on a root that was made. @returns false when others are to have their turn before it goes on */
  private makeLines(): boolean {
    const { line, firsts, nexts, ends } = this;
    while (this.depth >= 0) {
      const { depth } = this;
      const child = line[depth] ?? NONE;
      if (child === NONE) {
        this.depth--;
        continue;
      }
      line[depth] = nexts[child] ?? NONE;
      const from = depth === 0 ? 0 : (ends[depth - 1] ?? 0);
      if (this.makeChild(child, from, ends[depth] ?? 0, depth + 1)) {
        line[depth + 1] = firsts[child] ?? NONE;
        this.depth++;
      }
      if (this.sinceLook <= LOOK_AFTER) continue;
      this.sinceLook = 0;
      if (this.pauses.isDue) return false;
    }
    return true;
  }

  /** Which objects have not been made, the last one of the pack first. */
  left(): Uint32Array {
    return this.inOrder.filter((index) => this.done[index] === 0).reverse();
  }

  /** @returns false when it is left to git, and with it all that builds on it */
  private makeRoot(root: number): boolean {
    this.readHeader(root);
    const { size } = this;
    if (!this.grow(0, size)) return false;
    this.inflate(root, this.held);
    this.finish(root, 0, size, 0);
    this.depth = 0;
    this.line[0] = this.firsts[root] ?? NONE;
    return true;
  }

  /** As {@link makeRoot}, from its base in `held`. */
  private makeChild(child: number, from: number, to: number, depth: number): boolean {
    this.readHeader(child);
    const { size } = this;
    if (size > MOST_BYTES) return false;
    if (size > this.difference.length) this.difference = Buffer.allocUnsafe(2 * size);
    this.inflate(child, this.difference);
    const made = deltaResultSize(this.difference);
    if (!this.grow(to, made)) return false;
    applyDelta(this.held, from, to, this.difference, size);
    this.finish(child, to, to + made, depth);
    return true;
  }

  private finish(index: number, from: number, to: number, depth: number): void {
    this.ends[depth] = to;
    this.done[index] = 1;
    this.sinceLook += to - from + EACH;
    this.take(index, this.held, from, to);
  }

  /** Makes room for an object, if it may have that. */
  private grow(from: number, size: number): boolean {
    this.made += size;
    if (size > MOST_BYTES || from + size > MOST_HELD) return false;
    if (this.made > MADE_AT_LEAST + MADE_OF_A_BYTE * this.pack.size) return false;
    if (from + size <= this.held.length) return true;
    const grown = Buffer.allocUnsafe(2 * (from + size));
    this.held.copy(grown, 0, 0, from);
    this.held = grown;
    return true;
  }

  private readHeader(index: number): void {
    const begin = this.begins[index] ?? 0;
    const offset = this.entries.offsets[this.places[index] ?? 0] ?? 0;
    const { size, length } = readPackEntryHeader(this.gathered, begin, offset, this.entries.ids.idLength);
    this.size = size;
    this.deflated = begin + length;
  }

  /** Inflates the entry whose header was read last. */
  private inflate(index: number, target: Buffer): void {
    const { size, deflated, gathered } = this;
    const end = (this.begins[index] ?? 0) + (this.lengths[index] ?? 0);
    const small = size <= SMALL ? this.inflater : undefined;
    if (small?.inflate(gathered, deflated, end, target, 0, size) === true) return;
    const inflated = inflateSync(gathered.subarray(deflated, end), { maxOutputLength: Math.max(size, 1) });
    if (inflated.copy(target) !== size) throw damaged();
  }
}

function damaged(): CairnError {
  return new CairnError('corrupt', 'git wrote a pack whose entries do not belong together');
}
