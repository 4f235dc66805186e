import type { ArtifactName } from '../../fossil/artifact-name.ts';
import type { Bag, BagEntry } from '../../repository/fossil/bag.ts';

/** What marks need of a bag. */
export type MarkedBag = Pick<Bag, 'count' | 'at' | 'find'>;

/** Marks artifacts of one bag, a bit for each. */
export class NameMarks {
  private readonly bag: MarkedBag;
  private bits: Uint8Array | undefined;
  private marked = 0;

  constructor(bag: MarkedBag) {
    this.bag = bag;
  }

  /** How many artifacts are marked. */
  get size(): number {
    return this.marked;
  }

  /** Marks an artifact. @returns its entry; undefined if the bag has none of this name */
  mark(name: ArtifactName): BagEntry | undefined {
    const entry = this.bag.find(name);
    if (entry === undefined) return undefined;
    this.bits ??= new Uint8Array(Math.ceil(this.bag.count / 8));
    const [at, bit] = place(entry.ordinal);
    const byte = this.bits[at] ?? 0;
    if ((byte & bit) === 0) {
      this.bits[at] = byte | bit;
      this.marked++;
    }
    return entry;
  }

  /** Whether an artifact is marked. The entry may be one of a later bag. */
  has(name: ArtifactName): boolean {
    if (this.bits === undefined) return false;
    const entry = this.bag.find(name);
    return entry !== undefined && this.isMarked(entry.ordinal);
  }

  /** What is marked, in the order of the bag. */
  *entries(): Generator<BagEntry, void, undefined> {
    const { bits } = this;
    if (bits === undefined) return;
    for (let at = 0; at < bits.length; at++) {
      if (bits[at] === 0) continue;
      for (let bit = 0; bit < 8; bit++) {
        if (this.isMarked(8 * at + bit)) yield this.bag.at(8 * at + bit);
      }
    }
  }

  private isMarked(ordinal: number): boolean {
    const [at, bit] = place(ordinal);
    return ((this.bits?.[at] ?? 0) & bit) !== 0;
  }
}

function place(ordinal: number): readonly [at: number, bit: number] {
  return [ordinal >> 3, 1 << (ordinal & 7)];
}
