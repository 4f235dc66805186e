/** An entry of a queue. */
interface Entry<T> {
  readonly item: T;
  readonly rank: number;
  /** When it was added: among equal ranks the first one leaves first. */
  readonly order: number;
}

/** Hands out the item of the highest rank, and of equal ranks the one that was added first. */
export class PriorityQueue<T> {
  /** A heap: no entry comes after one of the two at twice its place. */
  private readonly heap: Entry<T>[] = [];
  private added = 0;

  get size(): number {
    return this.heap.length;
  }

  add(item: T, rank: number): void {
    const { heap } = this;
    const entry = { item, rank, order: this.added++ };
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >>> 1;
      const other = heap[above];
      if (other === undefined || !comesBefore(entry, other)) break;
      heap[at] = other;
      at = above;
    }
    heap[at] = entry;
  }

  /** Removes the next item. @returns undefined if there is none */
  take(): T | undefined {
    const { heap } = this;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first?.item;
    let at = 0;
    for (;;) {
      const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
      const isRight = left !== undefined && right !== undefined && comesBefore(right, left);
      const below = isRight ? right : left;
      if (below === undefined || !comesBefore(below, last)) break;
      heap[at] = below;
      at = 2 * at + (isRight ? 2 : 1);
    }
    heap[at] = last;
    return first.item;
  }
}

function comesBefore<T>(one: Entry<T>, other: Entry<T>): boolean {
  return one.rank === other.rank ? one.order < other.order : one.rank > other.rank;
}
