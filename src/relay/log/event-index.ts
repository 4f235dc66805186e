/**
 * The index of the events in force, by id, address and filter. It is derived: every start builds it from the log. The result
 * does not depend on the sequence in which events arrive. The index holds the fields that filters look at, packed; the event
 * itself is read from local disk.
 */

import { type Cooperative, runToEnd } from '../../lib/cooperative.ts';
import { KeyedHash } from '../../lib/keyed-hash.ts';
import { type Random, systemRandom } from '../../lib/random.ts';
import { addressOf, formatAddress } from '../../nostr/address.ts';
import { type Deletion, parseDeletion } from '../../nostr/deletion.ts';
import type { EventHead, NostrEvent } from '../../nostr/event.ts';
import { newestFirst } from '../../nostr/event-order.ts';
import { expirationOf } from '../../nostr/expiration.ts';
import type { Filter } from '../../nostr/filter.ts';
import { kinds } from '../../nostr/kinds.ts';
import type { EventReader, KeptEvent, ListedEvent, QueryOptions, Stored } from '../events.ts';
import { type Amount, EventCharges } from './event-charges.ts';
import { EventContents } from './event-contents.ts';
import { EventLists } from './event-lists.ts';
import { EventMarks, FIRST_ID, type Mark } from './event-marks.ts';
import type { Ledger } from './event-quota.ts';
import { EventRows } from './event-rows.ts';
import { EventSearch } from './event-search.ts';
import { type Place, RowContents } from './row-contents.ts';
import { RowLists } from './row-lists.ts';
import { RowTerms } from './row-terms.ts';

/**
 * How long a hidden event is known, in seconds. A repository waits 30 minutes for its first data. Its announcement stays a
 * little longer, so that the server that withdraws the repository still finds it.
 */
export const HIDDEN_SECONDS = 35 * 60;

/** How an event is taken in. */
export interface Standing {
  readonly hidden: boolean;
  /** Seconds: when it was written to the log. */
  readonly at: number;
}

export interface EventIndexOptions {
  readonly contents: EventContents;
  readonly random: Random;
}

/** Tags that refer to another event. */
const references = ['e', 'E', 'q', 'a', 'A'] as const;

/** Hash spaces. */
const ADDRESS = 7;
const IDENTIFIER = 8;

export class EventIndex implements EventReader, Ledger {
  /** The JSON of the events. */
  readonly contents: RowContents;
  private readonly hash: KeyedHash;
  private readonly rows: EventRows;
  private readonly rowLists: RowLists;
  private readonly lists: EventLists;
  private readonly charges: EventCharges;
  private readonly marks: EventMarks;
  private readonly search: EventSearch;
  /**
   * Rows by address. A hidden event does not displace an older visible one: that is shown until the hidden one becomes
   * visible, and for good if it never does.
   */
  private readonly addresses: RowTerms;
  /** Announcements by identifier, hidden or not. */
  private readonly announced: RowTerms;
  /** By row: since when it is hidden, in seconds. */
  private readonly hidden = new Map<number, number>();
  /** Seconds; no event expires before this. */
  private nextExpiration = Number.POSITIVE_INFINITY;
  readonly countOfKind = (kind: number): number => this.lists.countOfKind(kind);

  constructor({ contents, random }: Partial<EventIndexOptions> = {}) {
    this.hash = new KeyedHash((random ?? systemRandom).hex(8));
    this.rows = new EventRows(this.hash);
    this.contents = new RowContents(
      this.rows,
      contents ?? new EventContents({ random: random ?? systemRandom }),
    );
    this.rowLists = new RowLists(this.rows.compare);
    this.lists = new EventLists(this.hash, this.rows, this.rowLists);
    this.charges = new EventCharges(this.hash, this.rows, this.lists, this.rowLists);
    this.marks = new EventMarks(this.hash);
    this.search = new EventSearch(this.rows, this.lists, this.contents);
    this.addresses = new RowTerms(this.rowLists);
    this.announced = new RowTerms(this.rowLists);
  }

  /** How many events are in force, hidden ones included. */
  get size(): number {
    return this.rows.size;
  }

  /** Bytes of memory used. */
  get memory(): number {
    const { rows, rowLists, lists, charges, marks, addresses, announced } = this;
    const parts = [rowLists, lists, charges, marks, addresses, announced];
    return parts.reduce((sum, { bytes }) => sum + bytes, rows.bytes);
  }

  get(id: string): NostrEvent | undefined {
    const row = this.rows.find(id);
    return row < 0 ? undefined : this.contents.event(row);
  }

  has(id: string): boolean {
    return this.rows.find(id) >= 0;
  }

  isHidden(id: string): boolean {
    const row = this.rows.find(id);
    return row >= 0 && this.rows.isHidden(row);
  }

  *hiddenEvents(): Iterable<NostrEvent> {
    for (const row of this.hidden.keys()) yield this.contents.event(row);
  }

  latest(kind: number, author: string, identifier: string): NostrEvent | undefined {
    const [newest] = this.at(formatAddress({ kind, pubkey: author, identifier }));
    return newest === undefined ? undefined : this.contents.event(newest);
  }

  announcements(identifier: string): readonly NostrEvent[] {
    this.hash.text(IDENTIFIER, identifier);
    const authors = new Set<number>();
    const found: NostrEvent[] = [];
    for (const row of this.announced.rows(this.announced.find(this.hash))) {
      if (authors.has(this.rows.author(row))) continue;
      authors.add(this.rows.author(row));
      found.push(this.contents.event(row));
    }
    return found;
  }

  query(filters: readonly Filter[], options: QueryOptions): NostrEvent[] {
    return runToEnd(this.querying(filters, options));
  }

  querying(filters: readonly Filter[], options: QueryOptions): Cooperative<NostrEvent[]> {
    return this.search.querying(filters, options, this.rows.mark);
  }

  finding(filters: readonly Filter[], options: QueryOptions): Cooperative<KeptEvent[]> {
    return this.search.finding(filters, options, this.rows.mark);
  }

  counting(filters: readonly Filter[], options: Omit<QueryOptions, 'limit'>): Cooperative<number> {
    return this.search.counting(filters, options, this.rows.mark);
  }

  listing(filter: Filter, options: Pick<QueryOptions, 'limit' | 'now'>): Cooperative<ListedEvent[]> {
    return this.search.listing(filter, options, this.rows.mark);
  }

  isReferredTo(idOrAddress: string): boolean {
    return references.some((letter) => this.lists.tag(letter, idOrAddress) >= 0);
  }

  judge(event: EventHead, hidden = false): Stored {
    return this.judgeRow(this.rows.find(event.id), event, hidden);
  }

  /** @param known the row of the event, or −1 */
  private judgeRow(known: number, event: EventHead, hidden: boolean): Stored {
    if (known >= 0) return this.rows.isHidden(known) && !hidden ? 'stored' : 'duplicate';
    if (this.isDeleted(event)) return 'deleted';
    const address = addressOf(event);
    if (address === undefined) return 'stored';
    for (const rival of this.at(formatAddress(address))) {
      if (!hidden && this.rows.isHidden(rival)) continue;
      if (newestFirst(this.markOf(rival), event) < 0) return 'superseded';
    }
    return 'stored';
  }

  /**
   * Takes in an event of the log, with its effects on other events.
   * @returns the result of {@link judge}
   * @throws CairnError `unavailable` when the local disk fails: then nothing has changed
   */
  add(event: NostrEvent, standing: Standing): Stored {
    return this.take(event, standing, () => this.contents.place(event));
  }

  /** Like {@link add}, for an event whose JSON is on local disk already; it is dropped there if the result is not `stored`. */
  addAt(event: EventHead, standing: Standing, place: Place): Stored {
    const stored = this.take(event, standing, () => place);
    if (stored !== 'stored') this.contents.drop(place);
    return stored;
  }

  private take(event: EventHead, standing: Standing, place: () => Place): Stored {
    const shown = this.rows.find(event.id);
    const verdict = this.judgeRow(shown, event, standing.hidden);
    if (verdict === 'deleted' && !standing.hidden) this.markDeleted(event);
    if (verdict !== 'stored') return verdict;
    const { position, length } = place();
    if (shown >= 0) this.remove(shown);
    this.displace(event, standing.hidden);
    this.insert(event, standing, { position, length });
    if (event.kind === kinds.deletion && !standing.hidden) this.applyDeletion(event);
    return verdict;
  }

  /**
   * True for a deleted event that must stay in the log. Its author deleted it by id, and only this event shows that older
   * events at its address must not come into force again.
   */
  isWatermark(event: NostrEvent): boolean {
    const address = addressOf(event);
    return address !== undefined && this.marks.markOf(formatAddress(address))?.id === event.id;
  }

  /** Removes events that have expired or have been hidden for too long. @param now seconds */
  dropOutdated(now: number): void {
    for (const [row, hiddenAt] of this.hidden) if (now - hiddenAt > HIDDEN_SECONDS) this.remove(row);
    if (now < this.nextExpiration) return;
    this.nextExpiration = Number.POSITIVE_INFINITY;
    for (let row = 0; row < this.rows.end; row++) {
      const expires = this.rows.expires(row);
      if (expires === undefined) continue;
      if (now >= expires) this.remove(row);
      else this.nextExpiration = Math.min(this.nextExpiration, expires);
    }
  }

  /** How much an author has stored here. */
  byAuthor(publicKey: string): Amount {
    const term = this.lists.author(publicKey);
    return { events: this.lists.authors.count(term), bytes: this.lists.authors.weight(term) };
  }

  byOthers(address: string, keys: readonly string[], enough: Amount): Amount {
    return this.charges.byOthers(address, keys, enough);
  }

  /** How much is about no repository. */
  unclaimed(): Amount {
    return this.charges.unclaimed();
  }

  /** How much names repositories of which none is announced here. */
  elsewhere(): Amount {
    return this.charges.elsewhere();
  }

  /** How much names that announced repository of an event which has most; undefined if it names none. */
  fullest(event: EventHead): Amount | undefined {
    return this.charges.fullest(event);
  }

  chargesOf(event: EventHead): number {
    return this.charges.of(event);
  }

  /** The rows at an address, newest first. */
  private at(address: string): number[] {
    this.hash.text(ADDRESS, address);
    return this.addresses.rows(this.addresses.find(this.hash));
  }

  private markOf(row: number): Mark {
    return { created_at: this.rows.createdAt(row), id: this.rows.id(row) };
  }

  /** Removes the events that a new event displaces at its address, if its kind has addresses. */
  private displace(event: EventHead, hidden: boolean): void {
    const address = addressOf(event);
    if (address === undefined) return;
    for (const row of this.at(formatAddress(address))) {
      const superseded = this.rows.isHidden(row) ? newestFirst(event, this.markOf(row)) < 0 : !hidden;
      if (superseded) this.remove(row);
    }
  }

  private insert(event: EventHead, { hidden, at }: Standing, { position, length }: Place): void {
    const address = addressOf(event);
    let [addressTerm, identifierTerm] = [-1, -1];
    if (address !== undefined) {
      this.hash.text(ADDRESS, formatAddress(address));
      addressTerm = this.addresses.take(this.hash);
    }
    if (address?.kind === kinds.repository) {
      this.hash.text(IDENTIFIER, address.identifier);
      identifierTerm = this.announced.take(this.hash);
    }
    const expires = expirationOf(event);
    const row = this.rows.add(
      {
        id: event.id,
        createdAt: event.created_at,
        kind: event.kind,
        author: this.lists.takeAuthor(event.pubkey),
        hidden,
        expires,
        position,
        length,
      },
      {
        address: addressTerm,
        identifier: identifierTerm,
        tags: this.lists.takeTags(event),
        charges: this.charges.take(event),
      },
    );
    if (addressTerm >= 0) this.addresses.add(addressTerm, row);
    if (identifierTerm >= 0) this.announced.add(identifierTerm, row);
    this.lists.add(row);
    this.charges.add(row);
    if (hidden) this.hidden.set(row, at);
    if (expires !== undefined) this.nextExpiration = Math.min(this.nextExpiration, expires);
  }

  private remove(row: number): void {
    const { rows } = this;
    this.hidden.delete(row);
    this.contents.forget(row);
    this.lists.remove(row);
    this.charges.remove(row);
    if (rows.address(row) >= 0) this.addresses.remove(rows.address(row), row);
    if (rows.identifier(row) >= 0) this.announced.remove(rows.identifier(row), row);
    rows.remove(row);
  }

  /** Removes the events that a request names, and remembers the names: the events may arrive later (NIP-09). */
  private applyDeletion(request: EventHead): void {
    const parsed = parseDeletion(request);
    if (!parsed.ok) return;
    const deletion: Deletion = parsed.value;
    for (const id of deletion.events) {
      this.marks.deleteId(deletion.author, id);
      const row = this.rows.find(id);
      const isOwn = row >= 0 && this.rows.author(row) === this.lists.author(deletion.author);
      if (!isOwn || this.rows.kind(row) === kinds.deletion) continue;
      // Read the event before it is removed: its address is needed.
      const stood =
        this.rows.address(row) >= 0 && !this.rows.isHidden(row) ? this.contents.event(row) : undefined;
      this.remove(row);
      if (stood !== undefined) this.markDeleted(stood);
    }
    for (const address of deletion.addresses) this.mark(address, { created_at: deletion.at, id: FIRST_ID });
  }

  /** Marks the address of an event deleted by id: the events that it displaced must not come into force again. */
  private markDeleted(event: EventHead): void {
    const address = addressOf(event);
    if (address !== undefined) this.mark(formatAddress(address), event);
  }

  private mark(address: string, mark: Mark): void {
    const known = this.marks.markOf(address);
    if (known !== undefined && newestFirst(known, mark) <= 0) return;
    this.marks.mark(address, mark);
    for (const row of this.at(address)) {
      if (newestFirst(mark, this.markOf(row)) <= 0) this.remove(row);
    }
  }

  private isDeleted(event: EventHead): boolean {
    if (event.kind === kinds.deletion) return false;
    if (this.marks.isDeletedId(event.pubkey, event.id)) return true;
    const address = addressOf(event);
    if (address === undefined) return false;
    const mark = this.marks.markOf(formatAddress(address));
    return mark !== undefined && newestFirst(mark, event) <= 0;
  }
}
