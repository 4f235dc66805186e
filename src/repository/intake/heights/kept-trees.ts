/** The trees of a pack as the pack keeps them, inflated: most of them as deltas, which are never applied as a whole. */
import { DeltaSteps } from '../../../git/index.ts';
import { GrowingWords } from '../../../lib/growing-words.ts';

/** The base of a tree that is kept whole. */
export const NO_BASE = -1;

/** Bytes of one entry, inflated. */
const MOST_OF_ONE = 1024 * 1024;
/** Bytes of all of them: for each byte of the pack, besides, and at most. */
const KEPT_BESIDES = 1024 * 1024;
const MOST_KEPT = 64 * 1024 * 1024;
/**
 * Steps of work: as many as may be taken at once, which bounds how long others wait, and how many each tree adds. A step takes some
 * 5 ns, and honest packs take 10 to 50 for each tree, and some hundred for each that names a new file.
 */
const MOST_STEPS = 1024 * 1024;
const STEPS_OF_TREE = 1_024;
/** What an instruction of a delta counts for that is read to find bytes of a tree. */
const STEPS_OF_INSTRUCTION = 16;
/** Deltas on deltas that are followed to read bytes of a tree. git writes 50. */
const MOST_FOLLOWED = 500;

/** Trees are numbered in the order in which they are added. A base comes before what is a delta from it. */
export class KeptTrees {
  /** How much work may still be done. Below 0 nothing that was read counts. */
  steps = MOST_STEPS;
  private most = KEPT_BESIDES;
  /** The entries, one after another. */
  private bytes: Buffer = Buffer.allocUnsafeSlow(64 * 1024);
  private filled = 0;
  /** By number: where the entry ends, the size of the tree, and one more than its base. */
  private readonly ends = new GrowingWords(0);
  private readonly sizes = new GrowingWords(0);
  private readonly bases = new GrowingWords(0);
  /** One for each delta that is read within another one: there are millions of reads. */
  private readonly deltas: DeltaSteps[] = [];

  /** @param packBytes of the pack, as far as it has come */
  allow(packBytes: number): void {
    this.most = Math.min(MOST_KEPT, KEPT_BESIDES + packBytes);
  }

  get count(): number {
    return this.ends.length;
  }

  /** Holds all entries. Another one after {@link room}. */
  get buffer(): Buffer {
    return this.bytes;
  }

  /** Makes room for an entry. @returns where it is to be inflated to in {@link buffer}; undefined when it is too large */
  room(size: number): number | undefined {
    const needed = this.filled + size;
    if (size > MOST_OF_ONE || needed > this.most) return undefined;
    if (needed > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(2 * needed);
      this.bytes.copy(grown, 0, 0, this.filled);
      this.bytes = grown;
    }
    return this.filled;
  }

  /**
   * Adds the entry that was inflated to {@link room}.
   * @param base number of the tree that it is a delta from, or {@link NO_BASE}
   * @param treeSize bytes of the tree
   */
  add(size: number, base: number, treeSize: number): void {
    this.filled += size;
    this.ends.push(this.filled);
    this.sizes.push(treeSize);
    this.bases.push(base + 1);
    if (this.steps >= 0) this.steps = Math.min(this.steps + STEPS_OF_TREE, MOST_STEPS);
  }

  /** Bytes of a tree. */
  sizeOf(tree: number): number {
    return this.sizes.get(tree);
  }

  /** Where the entry of a tree begins in {@link buffer}. */
  beginOf(tree: number): number {
    return tree === 0 ? 0 : this.ends.get(tree - 1);
  }

  /** Where the entry of a tree ends in {@link buffer}. */
  endOf(tree: number): number {
    return this.ends.get(tree);
  }

  /** The tree that a tree is kept as a delta from, or {@link NO_BASE}. */
  baseOf(tree: number): number {
    return this.bases.get(tree) - 1;
  }

  /**
   * Copies bytes of a tree, out of the deltas that have them.
   * @param target is filled from `at` on; with something else when {@link steps} is below 0 afterwards
   */
  copy(tree: number, from: number, length: number, target: Buffer, at: number, followed = 0): void {
    const begin = this.beginOf(tree);
    const base = this.baseOf(tree);
    if (base === NO_BASE) {
      this.bytes.copy(target, at, begin + from, begin + from + length);
      return;
    }
    if (followed > MOST_FOLLOWED) this.steps = -1;
    const to = from + length;
    const delta = this.deltas[followed] ?? new DeltaSteps();
    this.deltas[followed] = delta;
    delta.begin(this.bytes, begin, this.endOf(tree));
    for (let position = 0; position < to && this.steps >= 0 && delta.read(); position += delta.length) {
      this.steps -= STEPS_OF_INSTRUCTION;
      const first = Math.max(from, position);
      const last = Math.min(to, position + delta.length);
      if (first >= last) continue;
      const there = delta.at + first - position;
      const here = at + first - from;
      if (delta.copies) this.copy(base, there, last - first, target, here, followed + 1);
      else this.bytes.copy(target, here, there, there + last - first);
    }
  }
}
