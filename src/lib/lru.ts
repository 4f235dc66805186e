/** A map that keeps the most recently used entries within a total weight. A single entry may be heavier. */
export class LruMap<K, V> {
  private readonly entries = new Map<K, { value: V; weight: number }>();
  private readonly capacity: number;
  private readonly mayEvict: (value: V) => boolean;
  private total = 0;

  /** @param mayEvict returns false for entries that must stay, whatever the weight */
  constructor(capacity: number, mayEvict: (value: V) => boolean = () => true) {
    this.capacity = capacity;
    this.mayEvict = mayEvict;
  }

  get size(): number {
    return this.entries.size;
  }

  /** The weight of all entries together. */
  get weight(): number {
    return this.total;
  }

  get(key: K): V | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

  set(key: K, value: V, weight: number): void {
    this.delete(key);
    this.entries.set(key, { value, weight });
    this.total += weight;
    for (const [oldest, entry] of this.entries) {
      if (this.total <= this.capacity || this.entries.size === 1) return;
      if (oldest !== key && this.mayEvict(entry.value)) this.delete(oldest);
    }
  }

  delete(key: K): void {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    this.entries.delete(key);
    this.total -= entry.weight;
  }
}
