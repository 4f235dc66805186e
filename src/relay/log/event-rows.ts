import { Blocks, LARGEST_BLOCK } from '../../lib/blocks.ts';
import { bytesColumn, DigestColumn, doublesColumn, shortsColumn, wordsColumn } from '../../lib/columns.ts';
import { type Hash, HashTable } from '../../lib/hash-table.ts';
import type { KeyedHash } from '../../lib/keyed-hash.ts';

/** What a row is made of, besides its terms. */
export interface RowFields {
  readonly id: string;
  readonly createdAt: number;
  readonly kind: number;
  /** Term of the author. */
  readonly author: number;
  readonly hidden: boolean;
  /** Seconds; undefined when it does not expire. */
  readonly expires: number | undefined;
  /** Where the event is among the contents, and how many bytes it has. */
  readonly position: number;
  readonly length: number;
}

/** The terms under which a row is found, besides author and kind. −1 stands for none. */
export interface RowTermNumbers {
  readonly address: number;
  readonly identifier: number;
  readonly tags: readonly number[];
  readonly charges: readonly number[];
}

/** Words of a block of terms before the terms of tags. */
const HEAD = 4;

/** Space of the hashes of ids. */
const ID = 1;

/** Rows: what is known of each event without reading it, in columns. Some 80 bytes for each, and 4 for every term. */
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

  /** All rows are below this one; not every number below it is one. */
  get end(): number {
    return this.table.end;
  }

  /** Bytes of memory they take. */
  get bytes(): number {
    const { table, ids, dates, expirations, kinds, authors, hidden, positions, lengths, stamps, terms } =
      this;
    const columns = [dates, expirations, kinds, authors, hidden, positions, lengths, stamps, terms];
    return columns.reduce((sum, { bytes }) => sum + bytes, table.bytes + ids.bytes + this.blocks.bytes);
  }

  /** Another number whenever a row has come or gone. */
  get changes(): number {
    return this.revision;
  }

  /** A moment, by which {@link stoodAt} tells what was here already. */
  get mark(): number {
    return this.stamp;
  }

  /** True for a row with an event that was in it at a moment already. @param mark see {@link mark} */
  stoodAt(row: number, mark: number): boolean {
    const stamp = this.stamps.get(row);
    // Stamps go round after 4,000 million events.
    return stamp !== 0 && ((mark - stamp) | 0) >= 0;
  }

  /** @returns the row of an event, or −1 */
  find(id: string): number {
    const row = this.table.find(this.hashOf(id));
    return row >= 0 && this.ids.get(row) === id ? row : -1;
  }

  /** Makes a row. The id has none yet. */
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

  /** Below 0 when the event of row `a` comes before that of `b`: newer, of the same second with the lower id. */
  readonly compare = (a: number, b: number): number => {
    const difference = this.dates.get(b) - this.dates.get(a);
    return difference !== 0 ? difference : this.ids.compare(a, b);
  };

  /** Copies out where the event of a row is in the order of events. @param id of {@link DIGEST_BYTES} */
  copyId(row: number, id: Buffer): void {
    this.ids.copy(row, id);
  }

  /** True when the event of a row comes after another one in the order of {@link compare}. @param id see {@link copyId} */
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

  /** The event has been copied. */
  moved(row: number, position: number): void {
    this.positions.set(row, position);
  }

  /** Another number for each event that ever was in a row; 0 when there is none. */
  stampOf(row: number): number {
    return this.stamps.get(row);
  }

  address(row: number): number {
    return this.blocks.get(this.terms.get(row) + 2) - 1;
  }

  identifier(row: number): number {
    return this.blocks.get(this.terms.get(row) + 3) - 1;
  }

  /** Terms of its tags. */
  tags(row: number): number[] {
    const block = this.terms.get(row);
    return this.words(block + HEAD, this.blocks.get(block));
  }

  /** True when a term of its tags is among these. */
  hasTag(row: number, wanted: ReadonlySet<number>): boolean {
    const block = this.terms.get(row);
    const end = block + HEAD + this.blocks.get(block);
    for (let at = block + HEAD; at < end; at++) if (wanted.has(this.blocks.get(at))) return true;
    return false;
  }

  /** Terms of what it is charged to. */
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

  /** An id is looked for before it is put in. */
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
