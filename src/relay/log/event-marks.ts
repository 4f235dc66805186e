import { DigestColumn, doublesColumn } from '../../lib/columns.ts';
import { HashTable } from '../../lib/hash-table.ts';
import type { KeyedHash } from '../../lib/keyed-hash.ts';
import type { NostrEvent } from '../../nostr/event.ts';

/** A position in the sequence of events at an address. */
export type Mark = Pick<NostrEvent, 'created_at' | 'id'>;

/** An id before all others: a request that names an address deletes all events of its second, too. */
export const FIRST_ID = '0'.repeat(64);

/** Hash spaces. */
const DELETED = 5;
const MARKED = 6;

/** What was deleted, whether it was here or not: some 25 bytes for an id, 65 for an address. */
export class EventMarks {
  private readonly hash: KeyedHash;
  private readonly deleted = new HashTable();
  private readonly marked = new HashTable();
  private readonly dates = doublesColumn();
  private readonly ids = new DigestColumn();

  constructor(hash: KeyedHash) {
    this.hash = hash;
  }

  /** Bytes of memory used. */
  get bytes(): number {
    return this.deleted.bytes + this.marked.bytes + this.dates.bytes + this.ids.bytes;
  }

  /** Notes that an author deleted the event with this id. */
  deleteId(author: string, id: string): void {
    this.hash.text(DELETED, `${author}:${id}`);
    if (this.deleted.find(this.hash) < 0) this.deleted.add(this.hash);
  }

  isDeletedId(author: string, id: string): boolean {
    if (this.deleted.size === 0) return false;
    this.hash.text(DELETED, `${author}:${id}`);
    return this.deleted.find(this.hash) >= 0;
  }

  /** Notes that an event at an address, and everything before it there, is deleted. */
  mark(address: string, { created_at, id }: Mark): void {
    this.hash.text(MARKED, address);
    const known = this.marked.find(this.hash);
    const number = known < 0 ? this.marked.add(this.hash) : known;
    this.dates.set(number, created_at);
    this.ids.set(number, id);
  }

  markOf(address: string): Mark | undefined {
    if (this.marked.size === 0) return undefined;
    this.hash.text(MARKED, address);
    const number = this.marked.find(this.hash);
    return number < 0 ? undefined : { created_at: this.dates.get(number), id: this.ids.get(number) };
  }
}
