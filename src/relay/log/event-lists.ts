/** Lists of rows by what filters ask for, so that a query looks at few rows that it does not return. */
import { HashMemory } from '../../lib/hash-memory.ts';
import type { Hash } from '../../lib/hash-table.ts';
import type { KeyedHash } from '../../lib/keyed-hash.ts';
import type { EventHead } from '../../nostr/event.ts';
import type { Filter } from '../../nostr/filter.ts';
import type { EventRows } from './event-rows.ts';
import type { RowLists } from './row-lists.ts';
import { type Choice, RowScan } from './row-scan.ts';
import { RowTerms } from './row-terms.ts';

/** Up to so many tags are compared one by one. */
const FEW_TAGS = 16;

/** How many tags of an event are indexed: far more than an accepted event may have. Events in the log are not bounded. */
const MAX_TAGS = 10_000;

/** In place of a row: the reader may pause here. */
export const NO_ROW = -1;

/** How many rows without a match are looked at before a pause. */
const MISSED_AT_ONCE = 64;

/** Hash spaces; those of letters follow. */
const AUTHOR = 2;
const KIND = 3;
const EVERYTHING = 4;
const LETTERS = 256;

/** The conditions of a filter that rows can answer. */
interface RowFilter {
  readonly kinds: ReadonlySet<number> | undefined;
  readonly authors: ReadonlySet<number> | undefined;
  readonly tags: readonly ReadonlySet<number>[];
}

export class EventLists {
  /** By key; weights are sizes of events. */
  readonly authors: RowTerms;
  private readonly hash: KeyedHash;
  private readonly rows: EventRows;
  private readonly kinds: RowTerms;
  private readonly all: RowTerms;
  private readonly tags: RowTerms;
  private readonly everything: Hash;
  /** Cached hashes: most events name one of few repositories and people. */
  private readonly addressed: HashMemory;
  private readonly addressees: HashMemory;
  private lastKind: Hash & { readonly kind: number } = { kind: -1, high: 0, low: 0 };

  constructor(hash: KeyedHash, rows: EventRows, lists: RowLists) {
    this.hash = hash;
    this.rows = rows;
    this.authors = new RowTerms(lists);
    this.kinds = new RowTerms(lists);
    this.all = new RowTerms(lists);
    this.tags = new RowTerms(lists);
    this.addressed = new HashMemory(hash, LETTERS + 'a'.charCodeAt(0));
    this.addressees = new HashMemory(hash, LETTERS + 'p'.charCodeAt(0));
    hash.number(EVERYTHING, 0);
    this.everything = { high: hash.high, low: hash.low };
  }

  /** Bytes of memory used. */
  get bytes(): number {
    return this.authors.bytes + this.kinds.bytes + this.all.bytes + this.tags.bytes;
  }

  /** The term of a key, or −1 when it has no event here. */
  author(publicKey: string): number {
    this.hash.id(AUTHOR, publicKey);
    return this.authors.find(this.hash);
  }

  /** The term of an author. A row must be added for it. */
  takeAuthor(publicKey: string): number {
    this.hash.id(AUTHOR, publicKey);
    return this.authors.take(this.hash);
  }

  /** The term of a tag, or −1 when no event here has it. */
  tag(letter: string, value: string): number {
    return this.tags.find(this.hashOfTag(letter, value));
  }

  private hashOfTag(letter: string, value: string): Hash {
    if (letter === 'a') return this.addressed.of(value);
    if (letter === 'p') return this.addressees.of(value);
    this.hash.text(LETTERS + letter.charCodeAt(0), value);
    return this.hash;
  }

  /** The terms of an event's tags, each once. A row must be added for them. */
  takeTags(event: EventHead): number[] {
    const terms: number[] = [];
    let found: Set<number> | undefined;
    for (const [name = '', value] of event.tags) {
      if (value === undefined || !isLetter(name)) continue;
      const term = this.tags.take(this.hashOfTag(name, value));
      if (terms.length === FEW_TAGS) found ??= new Set(terms);
      if (found === undefined ? terms.includes(term) : found.has(term)) continue;
      found?.add(term);
      terms.push(term);
      if (terms.length >= MAX_TAGS) break;
    }
    return terms;
  }

  add(row: number): void {
    const { rows } = this;
    this.authors.add(rows.author(row), row, rows.length(row));
    this.kinds.add(this.kinds.take(this.hashOfKind(rows.kind(row))), row);
    this.all.add(this.all.take(this.everything), row);
    for (const term of rows.tags(row)) this.tags.add(term, row);
  }

  remove(row: number): void {
    const { rows } = this;
    this.authors.remove(rows.author(row), row, rows.length(row));
    this.kinds.remove(this.kinds.find(this.hashOfKind(rows.kind(row))), row);
    this.all.remove(this.all.find(this.everything), row);
    for (const term of rows.tags(row)) this.tags.remove(term, row);
  }

  /** The rows with a tag, newest first. */
  tagged(letter: string, value: string): number[] {
    return this.tags.rows(this.tag(letter, value));
  }

  /**
   * The rows that match a filter, newest first, each once, hidden ones included. Ignores the filter's `limit` and `ids`. Values
   * are compared by their hashes, so a caller that needs certainty checks the event. The caller may pause at each value, and
   * events may come and go then. Events that stay are found; of the others, a row may even belong to an event that does not
   * match.
   * @returns rows, and {@link NO_ROW} after a number of rows without a match
   */
  *matching(filter: Filter): Generator<number, void, undefined> {
    const { rows } = this;
    const since = filter.since ?? 0;
    const { choice, wanted } = this.plan(filter);
    const scan = new RowScan(rows, choice, filter.until);
    let missed = 0;
    for (let row = scan.next(); row >= 0 && rows.createdAt(row) >= since; row = scan.next()) {
      const passes = this.passes(row, wanted);
      if (!passes && ++missed % MISSED_AT_ONCE !== 0) continue;
      scan.beforePause();
      yield passes ? row : NO_ROW;
    }
  }

  /** Chooses the shortest lists to read for a filter, and the conditions to check. */
  private plan({ authors, kinds, tags }: Filter): { readonly choice: Choice; readonly wanted: RowFilter } {
    const choices: Choice[] = [];
    const tagTerms: ReadonlySet<number>[] = [];
    for (const [letter, values] of tags) {
      const numbers = present([...values].map((value) => this.tag(letter, value)));
      choices.push({ terms: this.tags, numbers });
      tagTerms.push(new Set(numbers));
    }
    let authorTerms: ReadonlySet<number> | undefined;
    if (authors !== undefined) {
      const numbers = present([...authors].map((key) => this.author(key)));
      choices.push({ terms: this.authors, numbers });
      authorTerms = new Set(numbers);
    }
    if (kinds !== undefined) {
      const numbers = present([...kinds].map((kind) => this.kind(kind)));
      choices.push({ terms: this.kinds, numbers });
    }
    if (choices.length === 0) {
      choices.push({ terms: this.all, numbers: present([this.all.find(this.everything)]) });
    }
    return { choice: narrowest(choices), wanted: { kinds, authors: authorTerms, tags: tagTerms } };
  }

  private passes(row: number, { kinds, authors, tags }: RowFilter): boolean {
    const { rows } = this;
    if (kinds?.has(rows.kind(row)) === false) return false;
    if (authors?.has(rows.author(row)) === false) return false;
    for (const wanted of tags) if (!rows.hasTag(row, wanted)) return false;
    return true;
  }

  /** How many events of a kind there are, hidden ones included. */
  countOfKind(kind: number): number {
    const term = this.kind(kind);
    return term < 0 ? 0 : this.kinds.count(term);
  }

  private kind(kind: number): number {
    return this.kinds.find(this.hashOfKind(kind));
  }

  /** Caches the last kind, because most events have the same. */
  private hashOfKind(kind: number): Hash {
    if (this.lastKind.kind !== kind) {
      this.hash.number(KIND, kind);
      this.lastKind = { kind, high: this.hash.high, low: this.hash.low };
    }
    return this.lastKind;
  }
}

/** The choice with the fewest rows. */
function narrowest(choices: readonly [] | readonly Choice[]): Choice {
  const [first, ...others] = choices;
  if (first === undefined) throw new RangeError('there is nothing to choose from');
  return others.reduce((best, choice) => (total(choice) < total(best) ? choice : best), first);
}

function total({ terms, numbers }: Choice): number {
  return numbers.reduce((sum, number) => sum + terms.count(number), 0);
}

function present(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].filter((number) => number >= 0);
}

/** Filters ask only for tags with one letter (NIP-01). */
function isLetter(name: string): boolean {
  const code = name.charCodeAt(0) | 0x20;
  return name.length === 1 && code >= 0x61 && code <= 0x7a && name.charCodeAt(0) < 0x80;
}
