/**
 * How long the longest chain of links below an object is: of a tree, how many folders deep it is; of a tag, how many tags
 * follow each other. git walks down some of these by calling itself, and dies where they are too long.
 *
 * And how many bytes the heaviest of these chains has: git holds every tree on its way down in memory, all at once.
 */
import type { LinkVisitor } from '../../../git/index.ts';
import { inStretches } from '../../../lib/cooperative.ts';
import { CairnError } from '../../../lib/errors.ts';
import { GrowingWords } from '../../../lib/growing-words.ts';
import type { SortedIds } from '../../../lib/sorted-ids.ts';
import { type EdgesByTarget, edgesByTarget } from './edges.ts';
import { HEAVIEST, type HeightMemory, HIGHEST, type Reach } from './height-memory.ts';

export interface HeightQuestion {
  /** Objects of one kind that have come in. */
  readonly own: SortedIds;
  /**
   * Reads all of them, in any order; fastest when what is linked to comes first. Called again where links are too many to be
   * kept at once.
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
  readonly limit: Reach;
  /** What to say of one that is higher. */
  readonly tooHigh: (id: string) => CairnError;
  /** What to say of one that has more bytes on a path down from it. */
  readonly tooHeavy: (id: string, bytes: number) => CairnError;
  /** Links to objects of unknown height that are kept at once, 8 bytes each; {@link MOST_LINKS} when absent. */
  readonly links?: number;
}

/** Some 32 MiB of links, and half as much while they are followed. */
const MOST_LINKS = 2 ** 22;
/**
 * How often all objects are read at most. In each round the heights of more objects are known, so that fewer links are left. In packs
 * that git writes most links lead to objects that were read before, so one round is enough up to millions of trees.
 */
const MOST_ROUNDS = 8;
/** Heights of older objects that were read on the way are remembered only up to this many. More would evict all others. */
const OTHERS_REMEMBERED = 20_000;

/**
 * Finds the heights of objects, and the bytes of their heaviest paths, from below, without calling itself.
 * @throws what `tooHigh` or `tooHeavy` makes of the first one found to be so; CairnError `too-large` when they link to each other
 *   in too many ways; `unavailable` when one was not read; what the readers throw
 */
export async function checkHeights(question: HeightQuestion): Promise<void> {
  const quick = new HeightWork(question, true);
  try {
    await work(quick);
  } catch (error) {
    // More than it has may be remembered of what it links to. Then that is read.
    if (!quick.refused || !quick.usedBounds) throw error;
    await work(new HeightWork(question, false));
  }
}

async function work(work: HeightWork): Promise<void> {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    await work.readOwn();
    await work.readOthers();
    if (await work.settle()) return;
  }
  throw new CairnError(
    'too-large',
    'its folders or tags link to each other in too many ways to follow them all: push the history in parts',
  );
}

class HeightWork {
  /** True once an object was found to be too high or too heavy. */
  refused = false;
  /** True once a height was taken from an upper bound that is remembered, so that heights here may be too great as well. */
  usedBounds = false;
  private readonly question: HeightQuestion;
  private readonly takesBounds: boolean;
  /** By node: first those that have come in, then others as they are met. 0 while it is not known. */
  private readonly heights: GrowingWords;
  /** The bytes of the heaviest path down from a node; while its height is not known, of the node alone. */
  private readonly weights: GrowingWords;
  /** The highest of what a node links to, and the heaviest, as far as that is known. */
  private readonly below: GrowingWords;
  private readonly heaviest: GrowingWords;
  /** How many of its links lead to a node of unknown height. */
  private readonly open: GrowingWords;
  /** Pairs of nodes: one of unknown height, and one that links to it. As many as may be kept. */
  private readonly edges = new GrowingWords(0);
  private readonly mostEdges: number;
  private skipped = false;
  /** Raw ids in hex of others, in order of their nodes, and their nodes by id. */
  private readonly others: string[] = [];
  private readonly nodes = new Map<string, number>();
  /** The object that is being taken: the highest and heaviest of what it links to, and how many of its links lead to an unknown height. */
  private taken = 0;
  private lowest = 0;
  private lightest = 0;
  private unknown = 0;
  private readonly follow: LinkVisitor = (bytes, at) => this.count(bytes, at);

  /** @param takesBounds what is remembered counts if no more than an upper bound is known, too */
  constructor(question: HeightQuestion, takesBounds: boolean) {
    this.question = question;
    this.takesBounds = takesBounds;
    const { count } = question.own;
    this.heights = new GrowingWords(count);
    this.weights = new GrowingWords(count);
    this.below = new GrowingWords(count);
    this.heaviest = new GrowingWords(count);
    this.open = new GrowingWords(count);
    this.mostEdges = 2 * (question.links ?? MOST_LINKS);
  }

  readOwn(): Promise<void> {
    return this.question.readOwn((place, bytes, from, to) => this.take(place, bytes, from, to));
  }

  /** Those that are linked to, then those that these link to, and so on. */
  async readOthers(): Promise<void> {
    const { count } = this.question.own;
    for (let read = 0; read < this.others.length; ) {
      const first = count + read;
      const ids = this.others.slice(read).filter((_id, at) => this.heights.get(first + at) === 0);
      read = this.others.length;
      await this.question.readOthers(ids, (id, content) =>
        this.take(this.nodes.get(id), content, 0, content.length),
      );
    }
  }

  /**
   * Goes up from what is known.
   * @returns false when not all is known yet, because some links were not kept
   */
  async settle(): Promise<boolean> {
    const nodes = this.heights.length;
    const edges = await edgesByTarget(this.edges.values(), nodes);
    // Each node gets here once, when its height is known: those first whose height was known before.
    const settled = new Uint32Array(nodes);
    let count = 0;
    for (let node = 0; node < nodes; node++) if (this.heights.get(node) > 0) settled[count++] = node;
    await inStretches(nodes, (from, to) => {
      for (let at = from; at < to && at < count; at++)
        count = this.goUp(settled[at] ?? 0, { ...edges, settled, count });
    });
    if (count < nodes) {
      if (!this.skipped)
        throw new CairnError('unavailable', 'git returned fewer objects than were asked for');
      this.edges.clear();
      this.skipped = false;
      return false;
    }
    this.remember();
    return true;
  }

  /** Tells those that link to a node of known height. @returns how many nodes there are whose height is known */
  private goUp(node: number, known: Known): number {
    const { below, heaviest, open } = this;
    const { starts, sources, settled } = known;
    let { count } = known;
    const height = this.heights.get(node);
    const weight = this.weights.get(node);
    const end = starts[node + 1] ?? 0;
    for (let at = starts[node] ?? 0; at < end; at++) {
      const parent = sources[at] ?? 0;
      if (below.get(parent) < height) below.set(parent, height);
      if (heaviest.get(parent) < weight) heaviest.set(parent, weight);
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
      throw new CairnError('unavailable', 'git returned an object that was not requested');
    // Known since an earlier round.
    if (this.heights.get(node) > 0) return;
    this.lowest = 0;
    this.lightest = 0;
    this.unknown = 0;
    this.taken = node;
    this.question.eachLink(bytes, this.follow, from, to);
    this.below.set(node, this.lowest);
    this.heaviest.set(node, this.lightest);
    this.weights.set(node, to - from);
    this.open.set(node, this.unknown);
    if (this.unknown === 0) this.know(node);
  }

  /** Counts one link of the object that is being taken. */
  private count(bytes: Buffer, at: number): void {
    const { own } = this.question;
    let linked = own.indexOf(bytes, at);
    if (linked === -1) {
      const other = this.other(bytes.toString('hex', at, at + own.idLength));
      if (typeof other !== 'number') {
        this.pass(other.height, other.bytes);
        return;
      }
      linked = other;
    }
    const height = this.heights.get(linked);
    if (height > 0) {
      this.pass(height, this.weights.get(linked));
      return;
    }
    this.unknown++;
    if (this.edges.length < this.mostEdges) {
      this.edges.push(linked);
      this.edges.push(this.taken);
    } else this.skipped = true;
  }

  /** Counts what the object that is being taken links to. */
  private pass(height: number, bytes: number): void {
    if (height > this.lowest) this.lowest = height;
    if (bytes > this.lightest) this.lightest = bytes;
  }

  /** What has not come in: what is remembered of it, else its node. */
  private other(id: string): Reach | number {
    const met = this.nodes.get(id);
    if (met !== undefined) return met;
    const remembered = this.question.memory.get(id);
    if (remembered !== undefined && (this.takesBounds || remembered.atMost !== true)) {
      this.usedBounds ||= remembered.atMost === true;
      return remembered;
    }
    const node = this.add();
    this.nodes.set(id, node);
    this.others.push(id);
    return node;
  }

  private know(node: number): void {
    const { own, limit, tooHigh, tooHeavy } = this.question;
    const height = Math.min(this.below.get(node) + 1, HIGHEST);
    const bytes = Math.min(this.weights.get(node) + this.heaviest.get(node), HEAVIEST);
    if (node < own.count && (height > limit.height || bytes > limit.bytes)) {
      this.refused = true;
      const id = own.at(node).toString('hex');
      throw height > limit.height ? tooHigh(id) : tooHeavy(id, bytes);
    }
    this.heights.set(node, height);
    this.weights.set(node, bytes);
  }

  private add(): number {
    this.below.push(0);
    this.heaviest.push(0);
    this.open.push(0);
    this.weights.push(0);
    this.heights.push(0);
    return this.heights.length - 1;
  }

  /** Remembers heights, the highest last, so that they are evicted last: the next push links to the folders near the root again. */
  private remember(): void {
    const { heights, weights, others } = this;
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
      const reach = { height: heights.get(node), bytes: weights.get(node) };
      memory.set(id, this.usedBounds ? { ...reach, atMost: true } : reach);
    }
  }
}

/** Who links to whom, and the nodes of known height. */
interface Known extends EdgesByTarget {
  readonly settled: Uint32Array;
  readonly count: number;
}
