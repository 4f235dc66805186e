/** Rows in lists by what filters ask for, so that an answer looks at little more than what it returns. */
import type { KeyedHash } from '../../lib/keyed-hash.ts';
import type { EventHead } from '../../nostr/event.ts';
import type { Filter } from '../../nostr/filter.ts';
import type { EventRows } from './event-rows.ts';
import type { Cursor, RowLists } from './row-lists.ts';
import { RowTerms } from './row-terms.ts';

/** Only tags of one letter are asked for (NIP-01). */
const LETTER = /^[A-Za-z]$/;

/** Tags of one event that are found, far more than an event may have: what is stored here is not bounded so. */
const MAX_TAGS = 10_000;

/** Spaces of hashes; one for each letter follows the last. */
const AUTHOR = 2;
const KIND = 3;
const EVERYTHING = 4;
const LETTERS = 256;

/** Filters by what rows tell of themselves. */
interface RowFilter {
  readonly since: number;
  readonly kinds: ReadonlySet<number> | undefined;
  readonly authors: ReadonlySet<number> | undefined;
  readonly tags: readonly ReadonlySet<number>[];
}

/** Terms of one sort that together have every row that matches. */
interface Choice {
  readonly terms: RowTerms;
  readonly numbers: readonly number[];
}

export class EventLists {
  /** By key; weights are bytes of events. */
  readonly authors: RowTerms;
  private readonly hash: KeyedHash;
  private readonly rows: EventRows;
  private readonly kinds: RowTerms;
  private readonly all: RowTerms;
  private readonly tags: RowTerms;

  constructor(hash: KeyedHash, rows: EventRows, lists: RowLists) {
    this.hash = hash;
    this.rows = rows;
    this.authors = new RowTerms(lists);
    this.kinds = new RowTerms(lists);
    this.all = new RowTerms(lists);
    this.tags = new RowTerms(lists);
  }

  /** Bytes of memory they take. */
  get bytes(): number {
    return this.authors.bytes + this.kinds.bytes + this.all.bytes + this.tags.bytes;
  }

  /** The term of a key, or −1 when no event here is by it. */
  author(publicKey: string): number {
    this.hash.id(AUTHOR, publicKey);
    return this.authors.find(this.hash);
  }

  /** The term of an author who is about to have a row. */
  takeAuthor(publicKey: string): number {
    this.hash.id(AUTHOR, publicKey);
    return this.authors.take(this.hash);
  }

  /** The term of a tag, or −1 when no event here has it. */
  tag(letter: string, value: string): number {
    this.hash.text(LETTERS + letter.charCodeAt(0), value);
    return this.tags.find(this.hash);
  }

  /** The terms of the tags of an event that is about to have a row, each once. */
  takeTags(event: EventHead): number[] {
    const terms = new Set<number>();
    for (const [name = '', value] of event.tags) {
      if (value === undefined || !LETTER.test(name)) continue;
      this.hash.text(LETTERS + name.charCodeAt(0), value);
      terms.add(this.tags.take(this.hash));
      if (terms.size >= MAX_TAGS) break;
    }
    return [...terms];
  }

  add(row: number): void {
    const { rows, hash } = this;
    this.authors.add(rows.author(row), row, rows.length(row));
    hash.number(KIND, rows.kind(row));
    this.kinds.add(this.kinds.take(hash), row);
    hash.number(EVERYTHING, 0);
    this.all.add(this.all.take(hash), row);
    for (const term of rows.tags(row)) this.tags.add(term, row);
  }

  remove(row: number): void {
    const { rows, hash } = this;
    this.authors.remove(rows.author(row), row, rows.length(row));
    hash.number(KIND, rows.kind(row));
    this.kinds.remove(this.kinds.find(hash), row);
    hash.number(EVERYTHING, 0);
    this.all.remove(this.all.find(hash), row);
    for (const term of rows.tags(row)) this.tags.remove(term, row);
  }

  /** The rows with a tag, the newest first. */
  tagged(letter: string, value: string): number[] {
    return this.tags.rows(this.tag(letter, value));
  }

  /**
   * The rows that match a filter, newest first, each once, hidden ones included. The filter's `limit` and `ids` have no part
   * in it. Values are compared by their hashes: who needs to be certain looks at the event.
   */
  *matching(filter: Filter): Generator<number> {
    const { authors, kinds, since, until } = filter;
    const choices: Choice[] = [];
    const tags: ReadonlySet<number>[] = [];
    for (const [letter, values] of filter.tags) {
      const numbers = present([...values].map((value) => this.tag(letter, value)));
      choices.push({ terms: this.tags, numbers });
      tags.push(new Set(numbers));
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
      this.hash.number(EVERYTHING, 0);
      choices.push({ terms: this.all, numbers: present([this.all.find(this.hash)]) });
    }
    const wanted: RowFilter = { since: since ?? 0, kinds, authors: authorTerms, tags };
    for (const row of this.newestOf(narrowest(choices), until)) {
      if (this.rows.createdAt(row) < wanted.since) return;
      if (this.passes(row, wanted)) yield row;
    }
  }

  private passes(row: number, { kinds, authors, tags }: RowFilter): boolean {
    const { rows } = this;
    if (kinds?.has(rows.kind(row)) === false) return false;
    if (authors?.has(rows.author(row)) === false) return false;
    for (const wanted of tags) if (!rows.hasTag(row, wanted)) return false;
    return true;
  }

  /** Events of a kind, hidden ones included. */
  countOfKind(kind: number): number {
    const term = this.kind(kind);
    return term < 0 ? 0 : this.kinds.count(term);
  }

  private kind(kind: number): number {
    this.hash.number(KIND, kind);
    return this.kinds.find(this.hash);
  }

  /** The rows of several terms, newest first; one that several have comes once. @param until the first second to look at */
  private *newestOf({ terms, numbers }: Choice, until: number | undefined): Generator<number> {
    const { rows } = this;
    const passes = until === undefined ? undefined : (row: number) => rows.createdAt(row) <= until;
    const heap = numbers.map((term) => terms.cursor(term, passes)).filter(({ row }) => row >= 0);
    const [only] = heap;
    if (heap.length === 1 && only !== undefined) {
      for (; only.row >= 0; only.next()) yield only.row;
      return;
    }
    for (let at = heap.length >> 1; at >= 0; at--) sink(heap, at, rows);
    let last = -1;
    for (;;) {
      const [top] = heap;
      if (top === undefined) return;
      const { row } = top;
      top.next();
      if (top.row < 0) {
        const end = heap.pop();
        if (end !== undefined && heap.length > 0) heap[0] = end;
      }
      sink(heap, 0, rows);
      if (row === last) continue;
      last = row;
      yield row;
    }
  }
}

/** Restores the order of a binary heap, newest row on top, below a place whose cursor has moved. */
function sink(heap: Cursor[], place: number, rows: EventRows): void {
  const cursor = heap[place];
  if (cursor === undefined) return;
  for (;;) {
    const at = 2 * place + 1;
    const [left, right] = [heap[at], heap[at + 1]];
    if (left === undefined) break;
    const isRight = right !== undefined && rows.compare(right.row, left.row) < 0;
    const lower = isRight ? right : left;
    if (rows.compare(lower.row, cursor.row) >= 0) break;
    heap[place] = lower;
    place = isRight ? at + 1 : at;
  }
  heap[place] = cursor;
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
