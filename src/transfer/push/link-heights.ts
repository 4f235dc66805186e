/**
 * How long the longest chain of links below an object is: of a tree, how many folders deep it is; of a tag, how many tags
 * follow each other. git walks down some of these by calling itself, and dies where they are too long.
 */
import type { HearLink } from '../../git/index.ts';
import { Pauses } from '../../lib/cooperative.ts';
import { CairnError } from '../../lib/errors.ts';
import type { SortedIds } from '../../lib/sorted-ids.ts';

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
  /**
   * Reads all of them once, in any order; fastest when what is linked to comes first.
   * @param take is called with the place of each among `own`, and its content
   */
  readonly readOwn: (take: (place: number, content: Buffer) => void) => Promise<void>;
  /**
   * Reads objects that they link to and that have not come in.
   * @param take is called with the id of each, in hex, and its content
   * @throws CairnError when one is not there
   */
  readonly readOthers: (ids: readonly string[], take: (id: string, content: Buffer) => void) => Promise<void>;
  /** Finds what an object links to, as far as that is of the same kind. */
  readonly eachLink: (content: Buffer, hear: HearLink) => void;
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
  /** Of the object that is being taken: the highest of what it links to, and how many of its links lead to an unknown height. */
  private lowest = 0;
  private unknown = 0;

  constructor(question: HeightQuestion) {
    this.question = question;
    for (let node = 0; node < question.own.count; node++) this.add();
  }

  readOwn(): Promise<void> {
    return this.question.readOwn((place, content) => this.take(place, content));
  }

  /** Those that are linked to, then those that these link to, and so on. */
  async readOthers(): Promise<void> {
    for (let read = 0; read < this.others.length; ) {
      const ids = this.others.slice(read);
      read = this.others.length;
      await this.question.readOthers(ids, (id, content) => this.take(this.nodes.get(id), content));
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
      if (pauses.isDueByNow) await pauses.next();
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
      if (pauses.isDueByNow) await pauses.next();
    }
    this.remember();
  }

  private take(node: number | undefined, content: Buffer): void {
    if (node === undefined)
      throw new CairnError('unavailable', 'git showed an object that nobody had asked for');
    this.lowest = 0;
    this.unknown = 0;
    this.question.eachLink(content, (bytes, at) => this.follow(node, bytes, at));
    this.below[node] = this.lowest;
    this.open[node] = this.unknown;
    if (this.unknown === 0) this.know(node);
  }

  /** Counts one link of the object that is being taken. */
  private follow(node: number, bytes: Buffer, at: number): void {
    const { own } = this.question;
    let linked = own.indexOf(bytes, at);
    if (linked === -1) {
      const other = this.other(bytes.toString('hex', at, at + own.idLength));
      if (other.height > 0) {
        this.lowest = Math.max(this.lowest, other.height);
        return;
      }
      linked = other.node;
    }
    const height = this.heights[linked] ?? 0;
    if (height > 0) this.lowest = Math.max(this.lowest, height);
    else {
      this.edges.push(linked, node);
      this.unknown++;
    }
  }

  /** What has not come in: its height if it is remembered, else its node. */
  private other(id: string): { readonly height: number; readonly node: number } {
    const met = this.nodes.get(id);
    if (met !== undefined) return { height: 0, node: met };
    const height = this.question.memory.get(id);
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
