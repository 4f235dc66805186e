/**
 * Which repositories an event is charged to, so that strangers can send only so much about each. These are the repositories
 * that the event names, and those of the events that it answers or quotes. Events may arrive in any sequence: an answer to an
 * event that is not here yet is charged when that arrives. A charge stays even if the answered event goes.
 *
 * Addresses cost nothing, either. What names only repositories that nobody has announced here is charged to {@link ELSEWHERE} as well,
 * until one of them is announced.
 */
import { HashMemory } from '../../lib/hash-memory.ts';
import type { KeyedHash } from '../../lib/keyed-hash.ts';
import { LruMap } from '../../lib/lru.ts';
import { addressOf, formatAddress, parseAddress } from '../../nostr/address.ts';
import type { EventHead } from '../../nostr/event.ts';
import { kinds, roleOfKind } from '../../nostr/kinds.ts';
import type { EventLists } from './event-lists.ts';
import type { EventRows } from './event-rows.ts';
import type { RowLists } from './row-lists.ts';
import { RowTerms } from './row-terms.ts';

/** A number of events and their size. */
export interface Amount {
  readonly events: number;
  /** Size of the events as JSON. */
  readonly bytes: number;
}

/** How many repositories an event is charged to at most. Admission refuses a stranger's event that names more. */
export const MAX_CHARGES = 64;

/** How many answered or quoted events are looked at; event-repositories follows as many to find what an event is about. */
const MAX_ANSWERED = 64;

/** One more than admission accepts, so that it notices an excess. */
const MAX_INHERITED = MAX_CHARGES + 1;

/** Tags that refer to another event by its id. */
const BY_ID = ['e', 'E', 'q'] as const;

/** Kinds by which the service and owners describe a repository: they do not count as discussion about it. */
const FREE = new Set<number>([kinds.repository, kinds.repositoryState, kinds.applicationData]);

/** For how many repositories the count of others' events is cached. */
const MOST_COUNTED = 64;

/** Hash space of addresses. */
const CHARGED = 9;
/** The address of events that cannot be charged to a repository. */
const NOBODY = '';
/** That of events that can, but only to repositories that are not announced here. */
const ELSEWHERE = 'elsewhere';

export class EventCharges {
  private readonly rows: EventRows;
  private readonly lists: EventLists;
  private readonly terms: RowTerms;
  /** Caches hashes: most events are about one of few repositories. */
  private readonly hashes: HashMemory;
  /** How many announcements are here of the repository with a term. */
  private readonly announced = new Map<number, number>();
  /**
   * The term of the repository whose last announcement went, as long as nothing was charged elsewhere since: the next one most likely
   * replaces it, and takes nothing from there.
   */
  private lastGone: number | undefined;
  /** Cached counts by term, until something changes there. Equal totals may hide a change: one event goes, and another comes. */
  private readonly counted = new LruMap<number, { readonly keys: string; readonly amount: Amount }>(
    MOST_COUNTED,
  );

  constructor(hash: KeyedHash, rows: EventRows, lists: EventLists, rowLists: RowLists) {
    this.hashes = new HashMemory(hash, CHARGED);
    this.rows = rows;
    this.lists = lists;
    this.terms = new RowTerms(rowLists);
  }

  /** Bytes of memory used. */
  get bytes(): number {
    return this.terms.bytes;
  }

  /** The terms that a new event is charged to. A row must be added for it. */
  take(event: EventHead): number[] {
    if (isAboutNobody(event.kind)) return event.kind === kinds.relayList ? [] : [this.term(NOBODY)];
    const all = new Set<number>();
    for (const address of this.named(event)) {
      if (all.size >= MAX_CHARGES) break;
      all.add(this.term(address));
    }
    for (const term of this.inherited(event)) all.add(term);
    const isElsewhere = all.size > 0 && !FREE.has(event.kind) && ![...all].some((term) => this.isHere(term));
    if (isElsewhere) {
      all.add(this.term(ELSEWHERE));
      this.lastGone = undefined;
    }
    // Many states name no repository by its address; they must take no room from strangers.
    return all.size > 0 || FREE.has(event.kind) ? [...all] : [this.term(NOBODY)];
  }

  /** How many repositories an event would be charged to. */
  of(event: EventHead): number {
    if (isAboutNobody(event.kind)) return 0;
    const inherited = new Set(this.inherited(event));
    const named = [...this.named(event)];
    return inherited.size + named.filter((address) => !inherited.has(this.find(address))).length;
  }

  /** Charges a new row, and earlier answers to it that could not be charged before. */
  add(row: number): void {
    this.charge(row, this.rows.charges(row));
    const own = this.ownTerm(row);
    if (own !== undefined) {
      this.announced.set(own, (this.announced.get(own) ?? 0) + 1);
      if (own !== this.lastGone) this.claim(own);
      this.lastGone = undefined;
    }
    this.passOn(row);
  }

  remove(row: number): void {
    const own = this.ownTerm(row);
    if (own !== undefined) {
      const left = (this.announced.get(own) ?? 0) - 1;
      if (left > 0) this.announced.set(own, left);
      else {
        this.announced.delete(own);
        this.lastGone = own;
      }
    }
    this.discharge(row);
  }

  private discharge(row: number): void {
    for (const term of this.rows.charges(row)) {
      this.terms.remove(term, row, this.rows.length(row));
      this.counted.delete(term);
    }
  }

  private charge(row: number, charges: readonly number[]): void {
    for (const term of charges) {
      this.terms.add(term, row, this.rows.length(row));
      this.counted.delete(term);
    }
  }

  /** What is charged to no repository. */
  unclaimed(): Amount {
    return this.total(this.find(NOBODY));
  }

  /** What is charged to repositories of which none is announced here. */
  elsewhere(): Amount {
    return this.total(this.find(ELSEWHERE));
  }

  /** What is charged to that repository of an event which has most, of those that are announced here; undefined if none is. */
  fullest(event: EventHead): Amount | undefined {
    let found: Amount | undefined;
    const terms = [...[...this.named(event)].map((address) => this.find(address)), ...this.inherited(event)];
    for (const term of terms) {
      if (!this.isHere(term)) continue;
      const { events, bytes } = this.total(term);
      found = { events: Math.max(events, found?.events ?? 0), bytes: Math.max(bytes, found?.bytes ?? 0) };
    }
    return found;
  }

  /**
   * What other keys than these have sent about a repository. Counted exactly only when it matters.
   * @param enough if all keys together have sent less than this, their total is returned
   */
  byOthers(address: string, keys: readonly string[], enough: Amount): Amount {
    const term = this.find(address);
    const total = this.total(term);
    if (term < 0 || (total.events < enough.events && total.bytes < enough.bytes)) return total;
    // A client that is refused often tries again while nothing has changed.
    const known = this.counted.get(term);
    if (known?.keys === keys.join()) return known.amount;
    const authors = new Set(keys.map((key) => this.lists.author(key)));
    let [events, bytes] = [0, 0];
    for (const cursor = this.terms.cursor(term); cursor.row >= 0; cursor.next()) {
      const { row } = cursor;
      if (authors.has(this.rows.author(row)) || FREE.has(this.rows.kind(row))) continue;
      events++;
      bytes += this.rows.length(row);
    }
    this.counted.set(term, { keys: keys.join(), amount: { events, bytes } }, 1);
    return { events, bytes };
  }

  /** The addresses of the repositories that an event names, including its own; each once. */
  private named(event: EventHead): Set<string> {
    const found = new Set<string>();
    const own = event.kind === kinds.repository ? addressOf(event) : undefined;
    if (own !== undefined) found.add(formatAddress(own));
    for (const [name, value = ''] of event.tags) {
      if (name !== 'a' && name !== 'A' && name !== 'q') continue;
      if (!value.startsWith(REPOSITORY)) continue;
      // A text whose hash is cached has been parsed before.
      if (this.hashes.has(value) || parseAddress(value) !== undefined) found.add(value);
    }
    return found;
  }

  private total(term: number): Amount {
    return { events: this.terms.count(term), bytes: this.terms.weight(term) };
  }

  private inherited(event: EventHead): readonly number[] {
    const answered = answeredBy(event);
    if (answered.length === 0) return [];
    const [nobody, elsewhere] = [this.find(NOBODY), this.find(ELSEWHERE)];
    const found = new Set<number>();
    for (const id of answered) {
      const row = this.rows.find(id);
      if (row < 0) continue;
      for (const term of this.rows.charges(row)) if (term !== nobody && term !== elsewhere) found.add(term);
    }
    return [...found].slice(0, MAX_INHERITED);
  }

  /** Charges the answers to a row, and the answers to those, to its repositories, if they were charged to none before. */
  private passOn(first: number): void {
    const nobody = this.find(NOBODY);
    if (nobody < 0) return;
    const charged = this.rows.charges(first);
    if (charged.length === 0 || charged.includes(nobody)) return;
    const waiting = [first];
    for (let row = waiting.pop(); row !== undefined; row = waiting.pop()) {
      const charges = this.rows.charges(row);
      const id = this.rows.id(row);
      for (const letter of BY_ID) {
        for (const answer of this.lists.tagged(letter, id)) {
          if (answer === row || !this.rows.charges(answer).includes(nobody)) continue;
          this.recharge(answer, charges);
          waiting.push(answer);
        }
      }
    }
  }

  /** Takes what names a repository from what is about none here: it is announced now. */
  private claim(term: number): void {
    const elsewhere = this.find(ELSEWHERE);
    if (elsewhere < 0) return;
    for (const row of this.terms.rows(term)) {
      const charges = this.rows.charges(row);
      if (!charges.includes(elsewhere)) continue;
      this.recharge(
        row,
        charges.filter((each) => each !== elsewhere),
      );
    }
  }

  private recharge(row: number, charges: readonly number[]): void {
    const { rows } = this;
    const [address, identifier, tags] = [rows.address(row), rows.identifier(row), rows.tags(row)];
    this.discharge(row);
    rows.setTerms(row, { address, identifier, tags, charges });
    this.charge(row, charges);
  }

  private isHere(term: number): boolean {
    return this.announced.has(term);
  }

  /** The term of the repository that a row announces; undefined for other rows. It is charged to that first. */
  private ownTerm(row: number): number | undefined {
    return this.rows.kind(row) === kinds.repository ? this.rows.charges(row)[0] : undefined;
  }

  private term(address: string): number {
    return this.terms.take(this.hashes.of(address));
  }

  private find(address: string): number {
    return this.terms.find(this.hashes.of(address));
  }
}

const REPOSITORY = `${kinds.repository}:`;

/**
 * True for kinds that describe their author, whatever they name: otherwise the name of any repository would get them around
 * the limit. A list of relays is not charged at all: only keys with a repository here may store it, one each.
 */
function isAboutNobody(kind: number): boolean {
  const role = roleOfKind(kind);
  return role === 'author' || role === 'anyone';
}

/** The events that an event answers or quotes, up to the limit. */
function answeredBy(event: EventHead): string[] {
  const found: string[] = [];
  for (const [name, id] of event.tags) {
    if (id === undefined || (name !== 'e' && name !== 'E' && name !== 'q')) continue;
    found.push(id);
    if (found.length >= MAX_ANSWERED) break;
  }
  return found;
}
