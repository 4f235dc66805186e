/**
 * Which repositories an event is charged to, so that what strangers send about one is bounded: those that it names, and
 * those of the events it answers or quotes. Events may come in any order: what answers something that is not here yet is
 * charged when that comes. What has been charged stays so, whatever becomes of the event it answered.
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

/** How much there is of something. */
export interface Amount {
  readonly events: number;
  /** Of the events as JSON. */
  readonly bytes: number;
}

/** Repositories that one event is charged to at most. Admission takes none of a stranger that names more. */
export const MAX_CHARGES = 64;

/** Events that one answers or quotes which are looked at; as many are followed to find out what it is about. */
const MAX_ANSWERED = 64;

/** One more than admission takes, so that it sees that there are too many. */
const MAX_INHERITED = MAX_CHARGES + 1;

/** Tags by which an event refers to another by its id. */
const BY_ID = ['e', 'E', 'q'] as const;

/** What the service and its owners say of a repository is none of its discussion. */
const FREE = new Set<number>([kinds.repository, kinds.repositoryState, kinds.applicationData]);

/** Repositories of which it is remembered what others have sent. */
const MOST_COUNTED = 64;

/** Space of the hashes of addresses. */
const CHARGED = 9;
/** The name of what cannot be charged to any repository. */
const NOBODY = '';

export class EventCharges {
  private readonly rows: EventRows;
  private readonly lists: EventLists;
  private readonly terms: RowTerms;
  /** Most events are about one of few repositories. */
  private readonly hashes: HashMemory;
  /** What was counted out last, by everything that it depends on. */
  private readonly counted = new LruMap<string, Amount>(MOST_COUNTED);

  constructor(hash: KeyedHash, rows: EventRows, lists: EventLists, rowLists: RowLists) {
    this.hashes = new HashMemory(hash, CHARGED);
    this.rows = rows;
    this.lists = lists;
    this.terms = new RowTerms(rowLists);
  }

  /** Bytes of memory they take. */
  get bytes(): number {
    return this.terms.bytes;
  }

  /** The terms that an event which is about to have a row is charged to. */
  take(event: EventHead): number[] {
    const all = new Set<number>();
    for (const address of this.named(event)) {
      if (all.size >= MAX_CHARGES) break;
      all.add(this.term(address));
    }
    for (const term of this.inherited(event)) all.add(term);
    if (all.size > 0) return [...all];
    // Each key that has a repository here has one of these, and whoever likes one of the others.
    return roleOfKind(event.kind) === 'author' ? [] : [this.term(NOBODY)];
  }

  /** How many repositories an event would be charged to. */
  of(event: EventHead): number {
    const inherited = new Set(this.inherited(event));
    const named = [...this.named(event)];
    return inherited.size + named.filter((address) => !inherited.has(this.find(address))).length;
  }

  /** Charges a new row, and those that were waiting to know whom they are to be charged to. */
  add(row: number): void {
    for (const term of this.rows.charges(row)) this.terms.add(term, row, this.rows.length(row));
    this.passOn(row);
  }

  remove(row: number): void {
    for (const term of this.rows.charges(row)) this.terms.remove(term, row, this.rows.length(row));
  }

  /** What is charged to nobody. */
  unclaimed(): Amount {
    return this.total(this.find(NOBODY));
  }

  /**
   * What is charged to a repository by others than these keys. Counted out only where it may matter.
   * @param enough below so much nobody asks by whom it is, and what all have sent is returned
   */
  byOthers(address: string, keys: readonly string[], enough: Amount): Amount {
    const term = this.find(address);
    const total = this.total(term);
    if (term < 0 || (total.events < enough.events && total.bytes < enough.bytes)) return total;
    // Whoever is refused comes again, while nothing has changed.
    const question = `${term}/${total.events}/${total.bytes}/${keys.join()}`;
    const known = this.counted.get(question);
    if (known !== undefined) return known;
    const authors = new Set(keys.map((key) => this.lists.author(key)));
    let [events, bytes] = [0, 0];
    for (const cursor = this.terms.cursor(term); cursor.row >= 0; cursor.next()) {
      const { row } = cursor;
      if (authors.has(this.rows.author(row)) || FREE.has(this.rows.kind(row))) continue;
      events++;
      bytes += this.rows.length(row);
    }
    this.counted.set(question, { events, bytes }, 1);
    return { events, bytes };
  }

  /** The addresses of the repositories that an event names, its own included, each once. */
  private named(event: EventHead): Set<string> {
    const found = new Set<string>();
    const own = event.kind === kinds.repository ? addressOf(event) : undefined;
    if (own !== undefined) found.add(formatAddress(own));
    for (const [name, value = ''] of event.tags) {
      if (name !== 'a' && name !== 'A' && name !== 'q') continue;
      if (!value.startsWith(REPOSITORY)) continue;
      // Whose hash is remembered has been read before.
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
    const nobody = this.find(NOBODY);
    const found = new Set<number>();
    for (const id of answered) {
      const row = this.rows.find(id);
      if (row < 0) continue;
      for (const term of this.rows.charges(row)) if (term !== nobody) found.add(term);
    }
    return [...found].slice(0, MAX_INHERITED);
  }

  /** Whoever answers a row that is charged to a repository is charged to it too, if to none so far. */
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
          const { rows } = this;
          const [address, identifier, tags] = [
            rows.address(answer),
            rows.identifier(answer),
            rows.tags(answer),
          ];
          this.remove(answer);
          rows.setTerms(answer, { address, identifier, tags, charges });
          for (const term of charges) this.terms.add(term, answer, rows.length(answer));
          waiting.push(answer);
        }
      }
    }
  }

  private term(address: string): number {
    return this.terms.take(this.hashes.of(address));
  }

  private find(address: string): number {
    return this.terms.find(this.hashes.of(address));
  }
}

const REPOSITORY = `${kinds.repository}:`;

/** The events that one answers or quotes, as many as are looked at. */
function answeredBy(event: EventHead): string[] {
  const found: string[] = [];
  for (const [name, id] of event.tags) {
    if (id === undefined || (name !== 'e' && name !== 'E' && name !== 'q')) continue;
    found.push(id);
    if (found.length >= MAX_ANSWERED) break;
  }
  return found;
}
