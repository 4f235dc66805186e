/**
 * How long the longest chain of links below an object is: of a tree, how many folders deep it is; of a tag, how many tags
 * follow each other. git walks down some of these by calling itself, and dies where they are too long.
 */
import { CairnError } from '../lib/errors.ts';
import type { SortedIds } from '../lib/sorted-ids.ts';
import { Pauses } from '../lib/turns.ts';

/** An object, and what it links to. Raw ids. */
export interface LinkedObject {
  readonly id: Buffer;
  readonly links: Iterable<Buffer>;
}

/** Heights of objects met before. They follow from the ids alone, whatever repository an object is in. */
export class HeightMemory {
  private readonly heights = new Map<string, number>();
  private readonly capacity: number;

  /** @param capacity objects remembered, the ones asked for last; some 100 bytes each */
  constructor(capacity = 200_000) {
    this.capacity = capacity;
  }

  get(id: string): number | undefined {
    const height = this.heights.get(id);
    if (height !== undefined) this.set(id, height);
    return height;
  }

  set(id: string, height: number): void {
    this.heights.delete(id);
    this.heights.set(id, height);
    if (this.heights.size <= this.capacity) return;
    for (const oldest of this.heights.keys()) {
      this.heights.delete(oldest);
      return;
    }
  }
}

export interface HeightQuestion {
  /** Objects of one kind that have come in. */
  readonly own: SortedIds;
  /** Reads all of them once, in any order; fastest when what is linked to comes first. */
  readonly readOwn: () => AsyncIterable<LinkedObject>;
  /** Reads objects that they link to and that have not come in. @throws CairnError when one is not there */
  readonly readOthers: (ids: readonly string[]) => AsyncIterable<LinkedObject>;
  readonly memory: HeightMemory;
  /** The most that an object which has come in may have. */
  readonly limit: number;
  /** What to say of one that has more. */
  readonly exceeded: (id: string) => CairnError;
}

/** Of what was here already a height above this is not told apart from it. */
const HIGHEST = 65_535;
/** Heights of more objects than these are not remembered at once: they would push out all others. */
const REMEMBERED_AT_ONCE = 20_000;

/**
 * Finds the heights of objects, from below, without calling itself.
 * @throws what `exceeded` makes of the first one found to be too high; what the readers throw
 */
export async function checkHeights(question: HeightQuestion): Promise<void> {
  const work = new HeightWork(question);
  await work.readOwn();
  await work.readOthers();
  await work.settle();
}

class HeightWork {
  private readonly question: HeightQuestion;
  private readonly pauses = new Pauses();
  /** By node: first those that have come in, then others as they are met. 0 while it is not known. */
  private readonly heights: number[] = [];
  /** The highest of what a node links to, as far as that is known. */
  private readonly below: number[] = [];
  /** How many of its links lead to a node of unknown height. */
  private readonly open: number[] = [];
  /** Pairs of nodes: one of unknown height, and one that links to it. */
  private readonly edges: number[] = [];
  /** Raw ids in hex of others, in order of their nodes, and their nodes by id. */
  private readonly others: string[] = [];
  private readonly nodes = new Map<string, number>();

  constructor(question: HeightQuestion) {
    this.question = question;
    for (let node = 0; node < question.own.count; node++) this.add();
  }

  async readOwn(): Promise<void> {
    const { own, readOwn } = this.question;
    for await (const object of readOwn()) {
      this.take(own.indexOf(object.id), object);
      if (this.pauses.isDue) await this.pauses.next();
    }
  }

  /** Those that are linked to, then those that these link to, and so on. */
  async readOthers(): Promise<void> {
    for (let read = 0; read < this.others.length; ) {
      const ids = this.others.slice(read);
      read = this.others.length;
      for await (const object of this.question.readOthers(ids)) {
        this.take(this.nodes.get(object.id.toString('hex')) ?? -1, object);
        if (this.pauses.isDue) await this.pauses.next();
      }
    }
  }

  /** Goes up from what is known. */
  async settle(): Promise<void> {
    const { edges, heights, open, below, pauses } = this;
    const starts = new Uint32Array(heights.length + 1);
    for (let at = 0; at < edges.length; at += 2) {
      const child = (edges[at] ?? 0) + 1;
      starts[child] = (starts[child] ?? 0) + 1;
    }
    for (let node = 1; node < starts.length; node++)
      starts[node] = (starts[node] ?? 0) + (starts[node - 1] ?? 0);
    const parents = new Uint32Array(edges.length / 2);
    const next = starts.slice();
    for (let at = 0; at < edges.length; at += 2) {
      const child = edges[at] ?? 0;
      const slot = next[child] ?? 0;
      parents[slot] = edges[at + 1] ?? 0;
      next[child] = slot + 1;
      if (pauses.isDue) await pauses.next();
    }
    const settled: number[] = [];
    for (let node = 0; node < heights.length; node++) {
      if ((heights[node] ?? 0) > 0 && starts[node] !== starts[node + 1]) settled.push(node);
    }
    for (let node = settled.pop(); node !== undefined; node = settled.pop()) {
      for (const parent of parents.subarray(starts[node], starts[node + 1])) {
        below[parent] = Math.max(below[parent] ?? 0, heights[node] ?? 0);
        open[parent] = (open[parent] ?? 0) - 1;
        if (open[parent] !== 0) continue;
        this.know(parent);
        settled.push(parent);
      }
      if (pauses.isDue) await pauses.next();
    }
    this.remember();
  }

  private take(node: number, { links }: LinkedObject): void {
    if (node === -1) throw new CairnError('unavailable', 'git showed an object that nobody had asked for');
    let [below, open] = [0, 0];
    for (const link of links) {
      const found = this.heightOf(link);
      if (found.height === 0) {
        this.edges.push(found.node, node);
        open++;
      } else below = Math.max(below, found.height);
    }
    this.below[node] = below;
    this.open[node] = open;
    if (open === 0) this.know(node);
  }

  private heightOf(link: Buffer): { readonly height: number; readonly node: number } {
    const { own, memory } = this.question;
    const place = own.indexOf(link);
    if (place !== -1) return { height: this.heights[place] ?? 0, node: place };
    const id = link.toString('hex');
    const met = this.nodes.get(id);
    if (met !== undefined) return { height: this.heights[met] ?? 0, node: met };
    const height = memory.get(id);
    if (height !== undefined) return { height, node: -1 };
    const node = this.add();
    this.nodes.set(id, node);
    this.others.push(id);
    return { height: 0, node };
  }

  private know(node: number): void {
    const { own, limit, exceeded } = this.question;
    const height = Math.min((this.below[node] ?? 0) + 1, HIGHEST);
    if (node < own.count && height > limit) throw exceeded(own.at(node).toString('hex'));
    this.heights[node] = height;
  }

  private add(): number {
    this.below.push(0);
    this.open.push(0);
    return this.heights.push(0) - 1;
  }

  /** What is higher is asked for more often: it is what others stand beside. */
  private remember(): void {
    const { own, memory } = this.question;
    const known: number[] = [];
    for (let node = this.heights.length - 1; node >= 0 && known.length < REMEMBERED_AT_ONCE; node--)
      known.push(node);
    known.sort((a, b) => (this.heights[a] ?? 0) - (this.heights[b] ?? 0));
    for (const node of known) {
      const id = node < own.count ? own.at(node).toString('hex') : (this.others[node - own.count] ?? '');
      memory.set(id, this.heights[node] ?? 0);
    }
  }
}
