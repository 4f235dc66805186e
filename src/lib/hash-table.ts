import { type Column, wordsColumn } from './columns.ts';

/** A key of the table: 64 bits of a hash that strangers cannot predict. */
export interface Hash {
  readonly high: number;
  readonly low: number;
}

/** Slots of an empty table; a power of two. */
const FIRST_SLOTS = 64;

/**
 * A table that gives each hash a number while it is in the table: the smallest free one, so that data about it can be kept in
 * columns. Takes some 18 bytes for each hash, and no object.
 */
export class HashTable {
  private readonly highs: Column<Uint32Array> = wordsColumn();
  private readonly lows: Column<Uint32Array> = wordsColumn();
  /** A number plus one, in the first free slot from the one that its hash selects; 0 for an empty slot. */
  private slots = new Uint32Array(FIRST_SLOTS);
  /** Free numbers, as a list: the last one freed, and in `lows` the one freed before it; each plus one. */
  private free = 0;
  private used = 0;
  private taken = 0;

  /** How many hashes are in the table. */
  get size(): number {
    return this.used;
  }

  /** All numbers in use are below this one. */
  get end(): number {
    return this.taken;
  }

  /** Bytes of memory used. */
  get bytes(): number {
    return this.highs.bytes + this.lows.bytes + this.slots.byteLength;
  }

  /** @returns the number of a hash, or −1 */
  find({ high, low }: Hash): number {
    const mask = this.slots.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const number = (this.slots[slot] ?? 0) - 1;
      if (number < 0) return -1;
      if (this.lows.get(number) === low && this.highs.get(number) === high) return number;
    }
  }

  /** Adds a hash that is not in the table. @returns its number */
  add({ high, low }: Hash): number {
    if ((this.used + 1) * 3 > this.slots.length * 2) this.grow();
    const number = this.free === 0 ? this.taken++ : this.free - 1;
    if (this.free !== 0) this.free = this.lows.get(number);
    this.highs.set(number, high);
    this.lows.set(number, low);
    this.used++;
    this.place(number, low);
    return number;
  }

  /** Removes a number. It may be given to another hash later. */
  remove(number: number): void {
    const mask = this.slots.length - 1;
    let hole = this.lows.get(number) & mask;
    while (this.slots[hole] !== number + 1) hole = (hole + 1) & mask;
    // Entries behind the hole move up where they may, so that no search ends at the hole.
    for (let slot = (hole + 1) & mask; ; slot = (slot + 1) & mask) {
      const other = this.slots[slot] ?? 0;
      if (other === 0) break;
      const home = this.lows.get(other - 1) & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      this.slots[hole] = other;
      hole = slot;
    }
    this.slots[hole] = 0;
    this.lows.set(number, this.free);
    this.free = number + 1;
    this.used--;
  }

  private place(number: number, low: number): void {
    const mask = this.slots.length - 1;
    let slot = low & mask;
    while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
    this.slots[slot] = number + 1;
  }

  private grow(): void {
    const old = this.slots;
    this.slots = new Uint32Array(old.length * 2);
    for (const member of old) if (member !== 0) this.place(member - 1, this.lows.get(member - 1));
  }
}
