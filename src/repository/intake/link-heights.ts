/**
 * How long the longest chain of links below an object is: of a tree, how many folders deep it is; of a tag, how many tags
 * follow each other. git walks down some of these by calling itself, and dies where they are too long.
 */
import type { LinkVisitor } from '../../git/index.ts';
import { inStretches } from '../../lib/cooperative.ts';
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
   * @param take is called with the place of each among `own`, and the buffer it lies in
   */
  readonly readOwn: (take: (place: number, bytes: Buffer, from: number, to: number) => void) => Promise<void>;
  /**
   * Reads objects that they link to and that have not come in.
   * @param take is called with the id of each, in hex, and its content
   * @throws CairnError when one is not there
   */
  readonly readOthers: (ids: readonly string[], take: (id: string, content: Buffer) => void) => Promise<void>;
  /** Finds what an object links to, as far as that is of the same kind. */
  readonly eachLink: (bytes: Buffer, hear: LinkVisitor, from: number, to: number) => void;
  readonly memory: HeightMemory;
  /** Places of those whose heights are put there. Those of others that were read are put there, too. */
  readonly remembered: Uint32Array;
  /** The most that an object which has come in may have. */
  readonly limit: number;
  /** What to say of one that has more. */
  readonly exceeded: (id: string) => CairnError;
}

/** Of what was here already a height above this is not told apart from it. */
const HIGHEST = 65_535;
/** Of more objects than these that were read beside the new ones heights are not remembered: they would push out all others. */
const OTHERS_REMEMBERED = 20_000;

/**
 * Finds the heights of objects, from below, without calling itself.
 * @throws what `exceeded` makes of the first one found to be too high; CairnError `unavailable` when one was not read; what the
 *   readers throw
 */
export async function checkHeights(question: HeightQuestion): Promise<void> {
  const work = new HeightWork(question);
  await work.readOwn();
  await work.readOthers();
  await work.settle();
}

class HeightWork {
  private readonly question: HeightQuestion;
  /** By node: first those that have come in, then others as they are met. 0 while it is not known. */
  private readonly heights: GrowingWords;
  /** The highest of what a node links to, as far as that is known. */
  private readonly below: GrowingWords;
  /** How many of its links lead to a node of unknown height. */
  private readonly open: GrowingWords;
  /** Pairs of nodes: one of unknown height, and one that links to it. */
  private readonly edges = new GrowingWords(0);
  /** Raw ids in hex of others, in order of their nodes, and their nodes by id. */
  private readonly others: string[] = [];
  private readonly nodes = new Map<string, number>();
  /** Of the object that is being taken: the highest of what it links to, and how many of its links lead to an unknown height. */
  private taken = 0;
  private lowest = 0;
  private unknown = 0;
  private readonly follow: LinkVisitor = (bytes, at) => this.count(bytes, at);

  constructor(question: HeightQuestion) {
    this.question = question;
    const { count } = question.own;
    this.heights = new GrowingWords(count);
    this.below = new GrowingWords(count);
    this.open = new GrowingWords(count);
  }

  readOwn(): Promise<void> {
    return this.question.readOwn((place, bytes, from, to) => this.take(place, bytes, from, to));
  }

  /** Those that are linked to, then those that these link to, and so on. */
  async readOthers(): Promise<void> {
    for (let read = 0; read < this.others.length; ) {
      const ids = this.others.slice(read);
      read = this.others.length;
      await this.question.readOthers(ids, (id, content) =>
        this.take(this.nodes.get(id), content, 0, content.length),
      );
    }
  }

  /** Goes up from what is known. */
  async settle(): Promise<void> {
    const edges = this.edges.values();
    const nodes = this.heights.length;
    const starts = new Uint32Array(nodes + 1);
    await inStretches(edges.length / 2, (from, to) => countEdges(edges, starts, from, to));
    for (let node = 1; node < starts.length; node++)
      starts[node] = (starts[node] ?? 0) + (starts[node - 1] ?? 0);
    const parents = new Uint32Array(edges.length / 2);
    const next = starts.slice();
    await inStretches(edges.length / 2, (from, to) => sortEdges(edges, parents, next, from, to));
    // Each node gets here once, when its height is known: those first whose height was known before.
    const settled = new Uint32Array(nodes);
    let count = 0;
    for (let node = 0; node < nodes; node++) if (this.heights.get(node) > 0) settled[count++] = node;
    await inStretches(nodes, (from, to) => {
      for (let at = from; at < to && at < count; at++)
        count = this.goUp(settled[at] ?? 0, { starts, parents, settled, count });
    });
    if (count < nodes) throw new CairnError('unavailable', 'not all that was to be read came');
    this.remember();
  }

  /** Tells those that link to a node of known height. @returns how many nodes there are whose height is known */
  private goUp(node: number, known: Known): number {
    const { below, open } = this;
    const { starts, parents, settled } = known;
    let { count } = known;
    const height = this.heights.get(node);
    const end = starts[node + 1] ?? 0;
    for (let at = starts[node] ?? 0; at < end; at++) {
      const parent = parents[at] ?? 0;
      if (below.get(parent) < height) below.set(parent, height);
      const left = open.get(parent) - 1;
      open.set(parent, left);
      if (left !== 0) continue;
      this.know(parent);
      settled[count++] = parent;
    }
    return count;
  }

  private take(node: number | undefined, bytes: Buffer, from: number, to: number): void {
    if (node === undefined)
      throw new CairnError('unavailable', 'git showed an object that nobody had asked for');
    this.lowest = 0;
    this.unknown = 0;
    this.taken = node;
    this.question.eachLink(bytes, this.follow, from, to);
    this.below.set(node, this.lowest);
    this.open.set(node, this.unknown);
    if (this.unknown === 0) this.know(node);
  }

  /** Counts one link of the object that is being taken. */
  private count(bytes: Buffer, at: number): void {
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
    const height = this.heights.get(linked);
    if (height > this.lowest) this.lowest = height;
    else if (height === 0) {
      this.edges.push(linked);
      this.edges.push(this.taken);
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
    const height = Math.min(this.below.get(node) + 1, HIGHEST);
    if (node < own.count && height > limit) throw exceeded(own.at(node).toString('hex'));
    this.heights.set(node, height);
  }

  private add(): number {
    this.below.push(0);
    this.open.push(0);
    this.heights.push(0);
    return this.heights.length - 1;
  }

  /** What is higher is asked for more often: it is what others stand beside. */
  private remember(): void {
    const { heights, others } = this;
    const { own, memory, remembered } = this.question;
    const known = [...remembered];
    for (
      let node = heights.length - 1;
      node >= own.count && node >= heights.length - OTHERS_REMEMBERED;
      node--
    )
      known.push(node);
    known.sort((a, b) => heights.get(a) - heights.get(b));
    for (const node of known) {
      const id = node < own.count ? own.at(node).toString('hex') : (others[node - own.count] ?? '');
      memory.set(id, heights.get(node));
    }
  }
}

/** Who links to whom, by the node that is linked to, and the nodes of known height. */
interface Known {
  readonly starts: Uint32Array;
  readonly parents: Uint32Array;
  readonly settled: Uint32Array;
  readonly count: number;
}

function countEdges(edges: Uint32Array, starts: Uint32Array, from: number, to: number): void {
  for (let at = from; at < to; at++) {
    const child = (edges[2 * at] ?? 0) + 1;
    starts[child] = (starts[child] ?? 0) + 1;
  }
}

function sortEdges(
  edges: Uint32Array,
  parents: Uint32Array,
  next: Uint32Array,
  from: number,
  to: number,
): void {
  for (let at = from; at < to; at++) {
    const child = edges[2 * at] ?? 0;
    const slot = next[child] ?? 0;
    parents[slot] = edges[2 * at + 1] ?? 0;
    next[child] = slot + 1;
  }
}

/** Numbers below 2^32, as many as are pushed. */
class GrowingWords {
  length: number;
  private words: Uint32Array;

  /** @param length zeros to begin with */
  constructor(length: number) {
    this.length = length;
    this.words = new Uint32Array(length + 16);
  }

  get(index: number): number {
    return this.words[index] ?? 0;
  }

  set(index: number, value: number): void {
    this.words[index] = value;
  }

  push(value: number): void {
    if (this.length === this.words.length) {
      const grown = new Uint32Array(2 * this.length);
      grown.set(this.words);
      this.words = grown;
    }
    this.words[this.length++] = value;
  }

  values(): Uint32Array {
    return this.words.subarray(0, this.length);
  }
}
