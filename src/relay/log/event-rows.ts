import { Blocks, LARGEST_BLOCK } from '../../lib/blocks.ts';
import { bytesColumn, DigestColumn, doublesColumn, shortsColumn, wordsColumn } from '../../lib/columns.ts';
import { type Hash, HashTable } from '../../lib/hash-table.ts';
import type { KeyedHash } from '../../lib/keyed-hash.ts';

/** The fields of a row, without its terms. */
export interface RowFields {
  readonly id: string;
  readonly createdAt: number;
  readonly kind: number;
  /** Term of the author. */
  readonly author: number;
  readonly hidden: boolean;
  /** Seconds; undefined when it does not expire. */
  readonly expires: number | undefined;
  /** Position and size of the event's JSON on local disk. */
  readonly position: number;
  readonly length: number;
}

/** The terms by which a row is found, besides author and kind. −1 means none. */
export interface RowTermNumbers {
  readonly address: number;
  readonly identifier: number;
  readonly tags: readonly number[];
  readonly charges: readonly number[];
}

/** Words in a block of terms before the terms of tags. */
const HEAD = 4;

/** Hash space of ids. */
const ID = 1;

/** Rows: the fields of each event, in columns. Some 80 bytes for each, and 4 for each term. */
export class EventRows {
  private readonly hash: KeyedHash;
  private readonly table = new HashTable();
  private readonly ids = new DigestColumn();
  private readonly dates = doublesColumn();
  private readonly expirations = doublesColumn();
  private readonly kinds = shortsColumn();
  private readonly authors = wordsColumn();
  private readonly hidden = bytesColumn();
  private readonly positions = doublesColumn();
  private readonly lengths = wordsColumn();
  private readonly stamps = wordsColumn();
  private readonly blocks = new Blocks();
  private readonly terms = wordsColumn();
  private stamp = 0;
  private revision = 0;
  private lastId = '';
  private readonly last = { high: 0, low: 0 };

  constructor(hash: KeyedHash) {
    this.hash = hash;
  }

  get size(): number {
    return this.table.size;
  }

  /** All row numbers are below this; some numbers below it are not in use. */
  get end(): number {
    return this.table.end;
  }

  /** Bytes of memory used. */
  get bytes(): number {
    const { table, ids, dates, expirations, kinds, authors, hidden, positions, lengths, stamps, terms } =
      this;
    const columns = [dates, expirations, kinds, authors, hidden, positions, lengths, stamps, terms];
    return columns.reduce((sum, { bytes }) => sum + bytes, table.bytes + ids.bytes + this.blocks.bytes);
  }

  /** Changes whenever a row is added or removed. */
  get changes(): number {
    return this.revision;
  }

  /** The current moment, for {@link stoodAt}. */
  get mark(): number {
    return this.stamp;
  }

  /** True when the event in a row was there at a moment. @param mark see {@link mark} */
  stoodAt(row: number, mark: number): boolean {
    const stamp = this.stamps.get(row);
    // Stamps wrap around after 4,000 million events.
    return stamp !== 0 && ((mark - stamp) | 0) >= 0;
  }

  /** @returns the row of an event, or −1 */
  find(id: string): number {
    const row = this.table.find(this.hashOf(id));
    return row >= 0 && this.ids.get(row) === id ? row : -1;
  }

  /** Adds a row. The id must have none yet. */
  add(fields: RowFields, terms: RowTermNumbers): number {
    const row = this.table.add(this.hashOf(fields.id));
    this.ids.set(row, fields.id);
    this.dates.set(row, fields.createdAt);
    this.expirations.set(row, fields.expires === undefined ? 0 : Math.max(1, fields.expires));
    this.kinds.set(row, fields.kind);
    this.authors.set(row, fields.author);
    this.hidden.set(row, fields.hidden ? 1 : 0);
    this.positions.set(row, fields.position);
    this.lengths.set(row, fields.length);
    this.stamp = (this.stamp + 1) >>> 0 || 1;
    this.stamps.set(row, this.stamp);
    this.revision++;
    this.setTerms(row, terms);
    return row;
  }

  remove(row: number): void {
    this.revision++;
    this.giveTerms(row);
    this.terms.set(row, 0);
    this.stamps.set(row, 0);
    this.expirations.set(row, 0);
    this.table.remove(row);
  }

  /** Negative when row `a` sorts before row `b`: newer, or in the same second with the lower id. */
  readonly compare = (a: number, b: number): number => {
    const difference = this.dates.get(b) - this.dates.get(a);
    return difference !== 0 ? difference : this.ids.compare(a, b);
  };

  /** Copies the id of a row, for {@link isAfter}. @param id of {@link DIGEST_BYTES} */
  copyId(row: number, id: Buffer): void {
    this.ids.copy(row, id);
  }

  /** True when a row sorts after another event in {@link compare}. @param id see {@link copyId} */
  isAfter(row: number, createdAt: number, id: Buffer): boolean {
    const difference = createdAt - this.dates.get(row);
    return difference !== 0 ? difference > 0 : this.ids.compareWith(row, id) > 0;
  }

  id(row: number): string {
    return this.ids.get(row);
  }

  createdAt(row: number): number {
    return this.dates.get(row);
  }

  kind(row: number): number {
    return this.kinds.get(row);
  }

  author(row: number): number {
    return this.authors.get(row);
  }

  isHidden(row: number): boolean {
    return this.hidden.get(row) !== 0;
  }

  /** Seconds, or undefined. */
  expires(row: number): number | undefined {
    return this.expirations.get(row) || undefined;
  }

  position(row: number): number {
    return this.positions.get(row);
  }

  length(row: number): number {
    return this.lengths.get(row);
  }

  /** Notes that the event's JSON has been moved. */
  moved(row: number, position: number): void {
    this.positions.set(row, position);
  }

  /** A number for the event in a row, different for each event; 0 when there is none. */
  stampOf(row: number): number {
    return this.stamps.get(row);
  }

  address(row: number): number {
    return this.blocks.get(this.terms.get(row) + 2) - 1;
  }

  identifier(row: number): number {
    return this.blocks.get(this.terms.get(row) + 3) - 1;
  }

  /** The terms of its tags. */
  tags(row: number): number[] {
    const block = this.terms.get(row);
    return this.words(block + HEAD, this.blocks.get(block));
  }

  /** True when one of these terms is among those of its tags. */
  hasTag(row: number, wanted: ReadonlySet<number>): boolean {
    const block = this.terms.get(row);
    const end = block + HEAD + this.blocks.get(block);
    for (let at = block + HEAD; at < end; at++) if (wanted.has(this.blocks.get(at))) return true;
    return false;
  }

  /** The terms of the repositories that it is charged to. */
  charges(row: number): number[] {
    const block = this.terms.get(row);
    return this.words(block + HEAD + this.blocks.get(block), this.blocks.get(block + 1));
  }

  setTerms(row: number, { tags, charges, address, identifier }: RowTermNumbers): void {
    this.giveTerms(row);
    const words = HEAD + tags.length + charges.length;
    if (words > LARGEST_BLOCK) throw new RangeError(`an event has ${words} terms`);
    const block = this.blocks.take(Blocks.classOf(words));
    this.blocks.set(block, tags.length);
    this.blocks.set(block + 1, charges.length);
    this.blocks.set(block + 2, address + 1);
    this.blocks.set(block + 3, identifier + 1);
    let at = block + HEAD;
    for (const term of tags) this.blocks.set(at++, term);
    for (const term of charges) this.blocks.set(at++, term);
    this.terms.set(row, block);
  }

  /** Caches the last id: each is looked up before it is added. */
  private hashOf(id: string): Hash {
    if (id === this.lastId) return this.last;
    this.hash.id(ID, id);
    this.lastId = id;
    this.last.high = this.hash.high;
    this.last.low = this.hash.low;
    return this.last;
  }

  private giveTerms(row: number): void {
    const block = this.terms.get(row);
    if (block === 0) return;
    this.blocks.give(block, Blocks.classOf(HEAD + this.blocks.get(block) + this.blocks.get(block + 1)));
  }

  private words(from: number, count: number): number[] {
    const found: number[] = [];
    for (let at = from; at < from + count; at++) found.push(this.blocks.get(at));
    return found;
  }
}
