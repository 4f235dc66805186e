import { hexLength, type ObjectFormat } from '../../git/index.ts';

/** No commit of that number. */
const NONE = 0xffff_ffff;
/** Slots of an empty table; a power of two. */
const FIRST_SLOTS = 1 << 12;

/**
 * Commits and their parents, and nothing else of them. It takes about 40 bytes for a commit, so that a history of a million commits
 * fits into a small process.
 */
export class CommitGraph {
  private readonly width: number;
  /** Ids, one after another. A number of a commit is its place here. */
  private ids: Buffer;
  private count = 0;
  /** A number plus one in the first free slot from the one that the id selects; 0 for an empty slot. */
  private slots = new Uint32Array(FIRST_SLOTS);
  /** Where the parents of a commit begin in `parents`; {@link NONE} for a commit that is only named by others. */
  private starts = new Uint32Array(FIRST_SLOTS);
  /** For each commit the number of its parents, then their numbers. */
  private parents = new Uint32Array(FIRST_SLOTS);
  private parentsUsed = 0;
  private loaded = 0;

  constructor(format: ObjectFormat) {
    this.width = hexLength(format) / 2;
    this.ids = Buffer.allocUnsafe(FIRST_SLOTS * this.width);
  }

  /** Commits whose parents are known. */
  get size(): number {
    return this.loaded;
  }

  /** Adds a commit. A commit that is here already stays as it is. */
  add(oid: string, parents: readonly string[]): void {
    const number = this.numberOf(oid, true);
    if (this.starts[number] !== NONE) return;
    const numbers = parents.map((parent) => this.numberOf(parent, true));
    while (this.parentsUsed + 1 + numbers.length > this.parents.length) this.parents = doubled(this.parents);
    this.starts[number] = this.parentsUsed;
    this.parents[this.parentsUsed++] = numbers.length;
    for (const parent of numbers) this.parents[this.parentsUsed++] = parent;
    this.loaded += 1;
  }

  /** True if the parents of the commit are known. */
  has(oid: string): boolean {
    const number = this.numberOf(oid, false);
    return number !== NONE && this.starts[number] !== NONE;
  }

  /**
   * Looks for `old` among `next` and its ancestors.
   * @returns `yes` when it is there; `no` when it is not, and all ancestors are known; `unknown` when some are not
   */
  isAncestor(old: string, next: string): 'yes' | 'no' | 'unknown' {
    const wanted = this.numberOf(old, false);
    const from = this.numberOf(next, false);
    if (old === next) return 'yes';
    if (from === NONE) return 'unknown';
    let isComplete = true;
    for (const number of this.ancestors(from)) {
      if (number === wanted) return 'yes';
      if (this.starts[number] === NONE) isComplete = false;
    }
    return isComplete ? 'no' : 'unknown';
  }

  /**
   * The first-parent chain that leads to `tip`, oldest first: it ends before commits whose parents are not known, and before those
   * that `stop` names.
   */
  firstParents(tip: string, stop: (oid: string) => boolean = () => false): string[] {
    const chain: string[] = [];
    for (let number = this.numberOf(tip, false); number !== NONE; number = this.firstParentOf(number)) {
      const oid = this.idOf(number);
      if (this.starts[number] === NONE || stop(oid)) break;
      chain.push(oid);
    }
    return chain.reverse();
  }

  /** Parents of a commit, in their order; none if they are not known. */
  parentsOf(oid: string): string[] {
    const number = this.numberOf(oid, false);
    const start = number === NONE ? NONE : (this.starts[number] ?? NONE);
    if (start === NONE) return [];
    const count = this.parents[start] ?? 0;
    return Array.from(this.parents.subarray(start + 1, start + 1 + count), (parent) => this.idOf(parent));
  }

  /** The known ancestors of commits, themselves included, as a set of ids that takes a bit for each commit of the graph. */
  reachable(tips: readonly string[]): { has(oid: string): boolean } {
    const reached = this.growingSet();
    for (const tip of tips) reached.add(tip);
    return reached;
  }

  /** A set of commits, empty at first, to which commits are added with their known ancestors. The graph must not grow meanwhile. */
  growingSet(): GrowingSet {
    const seen = new Uint8Array((this.count >> 3) + 1);
    return {
      has: (oid) => {
        const number = this.numberOf(oid, false);
        return number !== NONE && ((seen[number >> 3] ?? 0) & (1 << (number & 7))) !== 0;
      },
      add: (oid) => {
        let added = 0;
        const from = this.numberOf(oid, false);
        if (from === NONE) return added;
        for (const number of this.ancestors(from, seen)) if (this.starts[number] !== NONE) added += 1;
        return added;
      },
    };
  }

  /** Numbers of a commit and of its ancestors, each once. */
  private *ancestors(from: number, seen = new Uint8Array((this.count >> 3) + 1)): Generator<number, void> {
    const stack = [from];
    for (let number = stack.pop(); number !== undefined; number = stack.pop()) {
      const bit = 1 << (number & 7);
      if (((seen[number >> 3] ?? 0) & bit) !== 0) continue;
      seen[number >> 3] = (seen[number >> 3] ?? 0) | bit;
      yield number;
      const start = this.starts[number] ?? NONE;
      if (start === NONE) continue;
      for (let at = start + (this.parents[start] ?? 0); at > start; at--) stack.push(this.parents[at] ?? 0);
    }
  }

  private firstParentOf(number: number): number {
    const start = this.starts[number] ?? NONE;
    return start === NONE || this.parents[start] === 0 ? NONE : (this.parents[start + 1] ?? NONE);
  }

  private idOf(number: number): string {
    return this.ids.toString('hex', number * this.width, (number + 1) * this.width);
  }

  /** The number of an id; {@link NONE} for one that is not here and shall not be added. */
  private numberOf(oid: string, add: boolean): number {
    const id = Buffer.from(oid, 'hex');
    const mask = this.slots.length - 1;
    // Ids are hashes already.
    for (let slot = id.readUInt32LE(0) & mask; ; slot = (slot + 1) & mask) {
      const number = (this.slots[slot] ?? 0) - 1;
      if (number < 0) return add ? this.append(id, slot) : NONE;
      const at = number * this.width;
      if (this.ids.compare(id, 0, this.width, at, at + this.width) === 0) return number;
    }
  }

  private append(id: Buffer, slot: number): number {
    const number = this.count++;
    if (this.count * this.width > this.ids.length) {
      const ids = Buffer.allocUnsafe(this.ids.length * 2);
      this.ids.copy(ids);
      this.ids = ids;
    }
    if (this.count > this.starts.length) this.starts = doubled(this.starts);
    id.copy(this.ids, number * this.width);
    this.starts[number] = NONE;
    this.slots[slot] = number + 1;
    if (this.count * 3 > this.slots.length * 2) this.rehash();
    return number;
  }

  private rehash(): void {
    const slots = new Uint32Array(this.slots.length * 2);
    const mask = slots.length - 1;
    for (let number = 0; number < this.count; number++) {
      let slot = this.ids.readUInt32LE(number * this.width) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.slots = slots;
  }
}

/** Commits that are in it with all their known ancestors. */
export interface GrowingSet {
  has(oid: string): boolean;
  /** Adds a commit. @returns how many commits it brings whose parents are known */
  add(oid: string): number;
}

function doubled(words: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(words.length * 2);
  larger.set(words);
  return larger;
}
