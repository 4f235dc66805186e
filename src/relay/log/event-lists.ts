/** Rows in lists by what filters ask for, so that an answer looks at little more than what it returns. */
import type { KeyedHash } from '../../lib/keyed-hash.ts';
import type { EventHead } from '../../nostr/event.ts';
import type { Filter } from '../../nostr/filter.ts';
import { type Choice, RowScan } from './row-scan.ts';
import type { EventRows } from './event-rows.ts';
import type { RowLists } from './row-lists.ts';
import { RowTerms } from './row-terms.ts';

/** Only tags of one letter are asked for (NIP-01). */
const LETTER = /^[A-Za-z]$/;

/** Tags of one event that are found, far more than an event may have: what is stored here is not bounded so. */
const MAX_TAGS = 10_000;

/** Stands among rows for none: time to pause, for whoever wants to. */
export const NO_ROW = -1;

/** Rows that do not match which are looked at before there may be a pause. */
const MISSED_AT_ONCE = 64;

/** Spaces of hashes; one for each letter follows the last. */
const AUTHOR = 2;
const KIND = 3;
const EVERYTHING = 4;
const LETTERS = 256;

/** Filters by what rows tell of themselves. */
interface RowFilter {
  readonly kinds: ReadonlySet<number> | undefined;
  readonly authors: ReadonlySet<number> | undefined;
  readonly tags: readonly ReadonlySet<number>[];
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
   * in it. Values are compared by their hashes: who needs to be certain looks at the event. Whoever reads may pause at each
   * value, and events may come and go meanwhile: those that stand all the time are found; of the others, a row may even
   * belong to an event that does not match.
   * @returns rows, and {@link NO_ROW} after a while in which none has matched
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
      scan.hold();
      yield passes ? row : NO_ROW;
    }
  }

  /** Where to look for what a filter asks for, and what to look at. */
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
      this.hash.number(EVERYTHING, 0);
      choices.push({ terms: this.all, numbers: present([this.all.find(this.hash)]) });
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

  /** Events of a kind, hidden ones included. */
  countOfKind(kind: number): number {
    const term = this.kind(kind);
    return term < 0 ? 0 : this.kinds.count(term);
  }

  private kind(kind: number): number {
    this.hash.number(KIND, kind);
    return this.kinds.find(this.hash);
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
