/**
 * Which of the events in the log stand, found by id, by address and by filter. Derived: it is built anew from the log at
 * every start. Whatever order events come in, the same ones stand in the end. Of an event the index keeps what filters look
 * at, packed; the event itself is read from local disk.
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
import type { EventReader, KeptEvent, QueryOptions, Stored } from '../events.ts';
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
 * Seconds for which a hidden event is known. A repository waits 30 minutes for its first data; its announcement stays a
 * little longer, so that whoever withdraws the repository still finds it.
 */
export const HIDDEN_SECONDS = 35 * 60;

/** How an event is to be taken in. */
export interface Standing {
  readonly hidden: boolean;
  /** Seconds: when it was written to the log. */
  readonly at: number;
}

export interface EventIndexOptions {
  readonly contents: EventContents;
  readonly random: Random;
}

/** Tags by which an event refers to another. */
const references = ['e', 'E', 'q', 'a', 'A'] as const;

/** Spaces of hashes. */
const ADDRESS = 7;
const IDENTIFIER = 8;

export class EventIndex implements EventReader, Ledger {
  /** The events themselves. */
  readonly contents: RowContents;
  private readonly hash: KeyedHash;
  private readonly rows: EventRows;
  private readonly rowLists: RowLists;
  private readonly lists: EventLists;
  private readonly charges: EventCharges;
  private readonly marks: EventMarks;
  private readonly search: EventSearch;
  /**
   * The rows at an address. A hidden one does not displace an older visible one, which is there to be seen until the
   * hidden one is shown, and if it never is.
   */
  private readonly addresses: RowTerms;
  /** Announcements by identifier, hidden or not. */
  private readonly announced: RowTerms;
  /** Seconds by row: since when it is hidden. */
  private readonly hidden = new Map<number, number>();
  /** Seconds: before this none expires. */
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

  /** Events that stand, hidden ones included. */
  get size(): number {
    return this.rows.size;
  }

  /** Bytes of memory it takes. */
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
   * Takes in an event of the log, with all that follows for others.
   * @returns what {@link judge} said of it
   * @throws CairnError `unavailable` when the local disk does not take it: nothing has changed then
   */
  add(event: NostrEvent, standing: Standing): Stored {
    return this.take(event, standing, () => this.contents.place(event));
  }

  /** {@link add} of an event whose JSON is among the contents already, and is dropped there if it is not `stored`. */
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
   * True for a deleted event that has to stay in the log: its author took it back by its id, and that no older one
   * comes to stand at its address again can be told by nothing else.
   */
  isWatermark(event: NostrEvent): boolean {
    const address = addressOf(event);
    return address !== undefined && this.marks.markOf(formatAddress(address))?.id === event.id;
  }

  /** Forgets what has expired, and what has been hidden for too long. @param now seconds */
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

  /** What an author has here. */
  byAuthor(publicKey: string): Amount {
    const term = this.lists.author(publicKey);
    return { events: this.lists.authors.count(term), bytes: this.lists.authors.weight(term) };
  }

  byOthers(address: string, keys: readonly string[], enough: Amount): Amount {
    return this.charges.byOthers(address, keys, enough);
  }

  /** What is about no repository. */
  unclaimed(): Amount {
    return this.charges.unclaimed();
  }

  chargesOf(event: EventHead): number {
    return this.charges.of(event);
  }

  /** The rows at an address, the newest first. */
  private at(address: string): number[] {
    this.hash.text(ADDRESS, address);
    return this.addresses.rows(this.addresses.find(this.hash));
  }

  private markOf(row: number): Mark {
    return { created_at: this.rows.createdAt(row), id: this.rows.id(row) };
  }

  /** Removes whom a new event outdoes at its address, if its kind has any. */
  private displace(event: EventHead, hidden: boolean): void {
    const address = addressOf(event);
    if (address === undefined) return;
    for (const row of this.at(formatAddress(address))) {
      const outdone = this.rows.isHidden(row) ? newestFirst(event, this.markOf(row)) < 0 : !hidden;
      if (outdone) this.remove(row);
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

  /** Takes away what a request names, and remembers the names: what it is about may come later (NIP-09). */
  private applyDeletion(request: EventHead): void {
    const parsed = parseDeletion(request);
    if (!parsed.ok) return;
    const deletion: Deletion = parsed.value;
    for (const id of deletion.events) {
      this.marks.deleteId(deletion.author, id);
      const row = this.rows.find(id);
      const isOwn = row >= 0 && this.rows.author(row) === this.lists.author(deletion.author);
      if (!isOwn || this.rows.kind(row) === kinds.deletion) continue;
      // Read before it goes: where it stood is needed.
      const stood =
        this.rows.address(row) >= 0 && !this.rows.isHidden(row) ? this.contents.event(row) : undefined;
      this.remove(row);
      if (stood !== undefined) this.markDeleted(stood);
    }
    for (const address of deletion.addresses) this.mark(address, { created_at: deletion.at, id: FIRST_ID });
  }

  /** The newest at an address was taken back by its id: those it displaced do not come to stand instead. */
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
