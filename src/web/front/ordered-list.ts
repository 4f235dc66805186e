/** Items in an order. An item must not change what it is sorted by while it is in the list. */
export class OrderedList<Key, Item extends Key> {
  private items: Item[] = [];
  private readonly compare: (a: Key, b: Key) => number;

  /** @param compare 0 only for the same item */
  constructor(compare: (a: Key, b: Key) => number) {
    this.compare = compare;
  }

  get length(): number {
    return this.items.length;
  }

  /** @param items sorted; the list keeps the array */
  replace(items: Item[]): void {
    this.items = items;
  }

  add(item: Item): void {
    this.items.splice(this.countUntil(item, -1), 0, item);
  }

  delete(item: Item): void {
    const place = this.countUntil(item, -1);
    if (this.items[place] === item) this.items.splice(place, 1);
  }

  /** The first item behind a place in the order; the first of all if none is given. */
  after(place: Key | undefined): Item | undefined {
    return this.items[place === undefined ? 0 : this.countUntil(place, 0)];
  }

  /** How many items come before a place (most: −1), or before or at it (most: 0). */
  private countUntil(place: Key, most: -1 | 0): number {
    let [low, high] = [0, this.items.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const item = this.items[middle];
      if (item !== undefined && this.compare(item, place) <= most) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
