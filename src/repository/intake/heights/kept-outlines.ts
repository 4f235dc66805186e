import { GrowingWords } from '../../../lib/growing-words.ts';

/** The entries of a tree. */
export interface Outline {
  /** Where each ends, in ascending order. */
  readonly ends: Uint32Array;
  /** What each is (see `kindOfEntry`). */
  readonly kinds: Uint8Array;
}

/** Entries of all outlines together, 5 bytes each, and as much again for the arrays that hold them. */
const MOST_ENTRIES = 1024 * 1024;

interface Shared {
  readonly outline: Outline;
  /** How many trees have it. */
  trees: number;
}

/**
 * The outlines of trees, no more than there is room for. Those that were kept first are dropped first: git writes a tree soon after the
 * one it is a delta from.
 */
export class KeptOutlines {
  private readonly most: number;
  /** By number of the tree; undefined where it was dropped. */
  private readonly outlines: (Shared | undefined)[] = [];
  /** Trees in the order in which they got an outline. The first of them have lost it again. */
  private readonly order = new GrowingWords(0);
  private dropped = 0;
  private entries = 0;

  /** @param most entries of all outlines together */
  constructor(most = MOST_ENTRIES) {
    this.most = most;
  }

  /** The outline of a tree; undefined when it was dropped. */
  of(tree: number): Outline | undefined {
    return this.outlines[tree]?.outline;
  }

  /** Keeps the outline of a tree that has none. The next tree has the next number, or one whose outline was dropped. */
  keep(tree: number, outline: Outline): void {
    this.entries += outline.ends.length;
    this.add(tree, { outline, trees: 1 });
  }

  /** Gives a tree the outline that another one has. */
  share(tree: number, other: number): void {
    const shared = this.outlines[other];
    if (shared === undefined) return;
    shared.trees++;
    this.add(tree, shared);
  }

  private add(tree: number, shared: Shared): void {
    this.outlines[tree] = shared;
    this.order.push(tree);
    // The last one is needed now, however large it is.
    while (this.entries > this.most && this.dropped < this.order.length - 1)
      this.drop(this.order.get(this.dropped++));
    if (2 * this.dropped < this.order.length) return;
    this.order.shift(this.dropped);
    this.dropped = 0;
  }

  private drop(tree: number): void {
    const shared = this.outlines[tree];
    if (shared === undefined) return;
    this.outlines[tree] = undefined;
    shared.trees--;
    if (shared.trees === 0) this.entries -= shared.outline.ends.length;
  }
}
