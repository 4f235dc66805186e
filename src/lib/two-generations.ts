/**
 * A cache that keeps entries which were used lately, within a total weight. It has two maps. When the young one is half of the
 * capacity, it becomes the old one, and what was in the old one is dropped at once: nothing is ever deleted one by one, which
 * makes it faster than {@link LruMap} for very many short-lived entries.
 */
export class TwoGenerations<K, V> {
  private readonly capacity: number;
  private young = new Map<K, { readonly value: V; readonly weight: number }>();
  private old = new Map<K, { readonly value: V; readonly weight: number }>();
  private youngWeight = 0;
  private oldWeight = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** The weight of all entries together. An entry that was used again may count twice. */
  get weight(): number {
    return this.youngWeight + this.oldWeight;
  }

  /** How many entries there are. One that was used again may count twice. */
  get size(): number {
    return this.young.size + this.old.size;
  }

  get(key: K): V | undefined {
    const young = this.young.get(key);
    if (young !== undefined) return young.value;
    const old = this.old.get(key);
    if (old !== undefined) this.set(key, old.value, old.weight);
    return old?.value;
  }

  /** Adds or replaces an entry. One that is heavier than half of the capacity is not kept. */
  set(key: K, value: V, weight: number): void {
    if (weight > this.capacity / 2) {
      this.delete(key);
      return;
    }
    if (this.youngWeight + weight > this.capacity / 2) {
      this.old = this.young;
      this.oldWeight = this.youngWeight;
      this.young = new Map();
      this.youngWeight = 0;
    }
    this.youngWeight += weight - (this.young.get(key)?.weight ?? 0);
    this.young.set(key, { value, weight });
  }

  delete(key: K): void {
    this.youngWeight -= this.young.get(key)?.weight ?? 0;
    this.oldWeight -= this.old.get(key)?.weight ?? 0;
    this.young.delete(key);
    this.old.delete(key);
  }
}
