import { GrowingWords } from '../../lib/growing-words.ts';

/** No node. */
const NONE = 0xffff_ffff;

/**
 * The order in which commits and tags are converted: each after what it links to (parents, or what a tag points at), and where
 * that is possible also after what its message mentions. Mentions may form circles, links cannot. The next node is always the
 * oldest of those that can come next, so the order depends only on the graph and on what is done, and an interrupted
 * conversion goes on in the same order.
 *
 * It takes about 50 bytes for each commit and tag, and knows only one mention of each node at a time: the one it waits for.
 */
export class CommitOrder {
  private readonly dates: Float64Array;
  /** The nodes that link to a node: from `firsts[node]` to `firsts[node + 1]` in `children`. */
  private readonly firsts: Uint32Array;
  private readonly children: Uint32Array;
  /** How many links of a node lead to nodes that are not done. */
  private readonly open: Uint32Array;
  private readonly ready: NodeHeap;
  /** The nodes that wait for a mentioned one, in lists: the first for each node, and the next one after each. */
  private readonly firstWaiting: Uint32Array;
  private readonly nextWaiting: Uint32Array;
  private readonly isWaiting: Uint8Array;
  private readonly isInWaitingHeap: Uint8Array;
  private readonly waiting: NodeHeap;

  /**
   * @param dates when each node was made
   * @param links what node `n` links to: from `starts[n]` to `starts[n + 1]` in `targets`
   * @param isDone the nodes that are converted already
   */
  constructor(
    dates: Float64Array,
    { starts, targets }: { readonly starts: Uint32Array; readonly targets: Uint32Array },
    isDone: (node: number) => boolean,
  ) {
    const count = dates.length;
    this.dates = dates;
    this.firsts = new Uint32Array(count + 1);
    for (const target of targets) this.firsts[target + 1] = (this.firsts[target + 1] ?? 0) + 1;
    for (let node = 0; node < count; node++) {
      this.firsts[node + 1] = (this.firsts[node + 1] ?? 0) + (this.firsts[node] ?? 0);
    }
    const filled = this.firsts.slice(0, count);
    this.children = new Uint32Array(targets.length);
    this.open = new Uint32Array(count);
    this.firstWaiting = new Uint32Array(count).fill(NONE);
    this.nextWaiting = new Uint32Array(count);
    this.isWaiting = new Uint8Array(count);
    this.isInWaitingHeap = new Uint8Array(count);
    this.ready = new NodeHeap((a, b) => this.isBefore(a, b));
    this.waiting = new NodeHeap((a, b) => this.isBefore(a, b));
    for (let node = 0; node < count; node++) {
      for (let at = starts[node] ?? 0; at < (starts[node + 1] ?? 0); at++) {
        const target = targets[at] ?? 0;
        this.children[filled[target] ?? 0] = node;
        filled[target] = (filled[target] ?? 0) + 1;
        if (!isDone(target)) this.open[node] = (this.open[node] ?? 0) + 1;
      }
      if (this.open[node] === 0 && !isDone(node)) this.ready.push(node);
    }
  }

  /**
   * The next node; undefined when all are done. The caller converts it and calls {@link done}, or calls {@link wait}.
   * `isForced`: it must not wait, because its mentions form a circle.
   */
  next(): { readonly node: number; readonly isForced: boolean } | undefined {
    const node = this.ready.pop();
    if (node !== undefined) return { node, isForced: false };
    for (let oldest = this.waiting.pop(); oldest !== undefined; oldest = this.waiting.pop()) {
      this.isInWaitingHeap[oldest] = 0;
      if (this.isWaiting[oldest] === 0) continue;
      this.isWaiting[oldest] = 0;
      return { node: oldest, isForced: true };
    }
    return undefined;
  }

  /** A node that {@link next} returned is converted. */
  done(node: number): void {
    for (let at = this.firsts[node] ?? 0; at < (this.firsts[node + 1] ?? 0); at++) {
      const child = this.children[at] ?? 0;
      const open = (this.open[child] ?? 0) - 1;
      this.open[child] = open;
      if (open === 0) this.ready.push(child);
    }
    let waiter = this.firstWaiting[node] ?? NONE;
    for (; waiter !== NONE; waiter = this.nextWaiting[waiter] ?? NONE) {
      // One that was forced waits no more.
      if (this.isWaiting[waiter] === 1) this.ready.push(waiter);
      this.isWaiting[waiter] = 0;
    }
    this.firstWaiting[node] = NONE;
  }

  /** A node that {@link next} returned mentions another one, which is not done: it comes again when that is done. */
  wait(node: number, mentioned: number): void {
    this.nextWaiting[node] = this.firstWaiting[mentioned] ?? NONE;
    this.firstWaiting[mentioned] = node;
    this.isWaiting[node] = 1;
    if (this.isInWaitingHeap[node] === 0) this.waiting.push(node);
    this.isInWaitingHeap[node] = 1;
  }

  /** True if `a` is older than `b`. */
  isBefore(a: number, b: number): boolean {
    const [left = 0, right = 0] = [this.dates[a], this.dates[b]];
    return left < right || (left === right && a < b);
  }
}

/** A binary heap of nodes. */
class NodeHeap {
  private readonly nodes = new GrowingWords(0);
  private readonly isBefore: (a: number, b: number) => boolean;

  constructor(isBefore: (a: number, b: number) => boolean) {
    this.isBefore = isBefore;
  }

  push(node: number): void {
    const { nodes } = this;
    let at = nodes.length;
    nodes.push(node);
    while (at > 0) {
      const above = (at - 1) >>> 1;
      if (!this.isBefore(node, nodes.get(above))) break;
      nodes.set(at, nodes.get(above));
      at = above;
    }
    nodes.set(at, node);
  }

  pop(): number | undefined {
    const { nodes } = this;
    if (nodes.length === 0) return undefined;
    const first = nodes.get(0);
    const node = nodes.get(--nodes.length);
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= nodes.length) break;
      if (below + 1 < nodes.length && this.isBefore(nodes.get(below + 1), nodes.get(below))) below++;
      if (!this.isBefore(nodes.get(below), node)) break;
      nodes.set(at, nodes.get(below));
      at = below;
    }
    nodes.set(at, node);
    return first;
  }
}
