import type { Cooperative } from '../../lib/cooperative.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import { type Filter, matches } from '../../nostr/filter.ts';
import type { KeptEvent, ListedEvent, QueryOptions } from '../events.ts';
import { type EventLists, NO_ROW } from './event-lists.ts';
import type { EventRows } from './event-rows.ts';
import type { RowContents } from './row-contents.ts';

/** The options of a query, without its limit. */
type View = Omit<QueryOptions, 'limit'>;

/**
 * Answers queries. Strangers choose how much there is to look at, so this runs in steps: one for each event that is read, and
 * one after some rows without a match. Events may come and go between steps. Events that came after the query began are
 * skipped, by marks (see {@link EventRows.stoodAt}): subscriptions get those in another way.
 */
export class EventSearch {
  private readonly rows: EventRows;
  private readonly lists: EventLists;
  private readonly contents: RowContents;

  constructor(rows: EventRows, lists: EventLists, contents: RowContents) {
    this.rows = rows;
    this.lists = lists;
    this.contents = contents;
  }

  /** See {@link EventReader.querying}. @param mark when the query began */
  *querying(filters: readonly Filter[], options: QueryOptions, mark: number): Cooperative<NostrEvent[]> {
    const found = yield* this.found(filters, options, mark);
    return found.map((row) => this.contents.event(row));
  }

  /** See {@link EventReader.finding}. @param mark when the query began */
  *finding(filters: readonly Filter[], options: QueryOptions, mark: number): Cooperative<KeptEvent[]> {
    const found = yield* this.found(filters, options, mark);
    return found.map((row) => this.contents.kept(row));
  }

  /** See {@link EventReader.counting}. @param mark when the query began */
  *counting(filters: readonly Filter[], view: View, mark: number): Cooperative<number> {
    const counted = filters.length > 1 ? new Bits(this.rows.end) : undefined;
    let count = 0;
    for (const filter of filters) {
      for (const row of this.visible(filter, view, mark)) {
        if (row !== NO_ROW && counted?.add(row) !== false) count++;
        yield;
      }
    }
    return count;
  }

  /** See {@link EventReader.listing}. @param mark when the query began */
  *listing(
    filter: Filter,
    { limit, now }: Pick<QueryOptions, 'limit' | 'now'>,
    mark: number,
  ): Cooperative<ListedEvent[]> {
    const { rows } = this;
    const found: ListedEvent[] = [];
    if (limit <= 0) return found;
    for (const row of this.lists.matching(filter)) {
      if (this.isCandidate(row, now, mark)) {
        found.push({ id: rows.id(row), kind: rows.kind(row), at: rows.createdAt(row) });
        if (found.length === limit) break;
      }
      yield;
    }
    return found;
  }

  /** The rows of an answer, sorted. All of them are still in force. */
  private *found(filters: readonly Filter[], options: QueryOptions, mark: number): Cooperative<number[]> {
    const found = new Set<number>();
    for (const filter of filters) {
      let left = Math.min(filter.limit ?? options.limit, options.limit);
      if (left <= 0) continue;
      for (const row of this.visible(filter, options, mark)) {
        if (row !== NO_ROW) {
          found.add(row);
          if (--left === 0) break;
        }
        yield;
      }
    }
    const all = [...found].filter((row) => this.rows.stoodAt(row, mark));
    if (filters.length > 1) all.sort(this.rows.compare);
    return all.length > options.limit ? all.slice(0, options.limit) : all;
  }

  /** Visible rows that match a filter, newest first; {@link NO_ROW} in place of each other row. */
  private *visible(filter: Filter, view: View, mark: number): Generator<number, void, undefined> {
    const { rows } = this;
    let left = view.looks ?? Number.POSITIVE_INFINITY;
    for (const row of filter.ids === undefined ? this.lists.matching(filter) : this.named(filter.ids)) {
      if (!this.isCandidate(row, view.now, mark)) {
        yield NO_ROW;
        continue;
      }
      if (left-- <= 0) return;
      const event = this.contents.event(row);
      const isSeen = matches(filter, event) && view.visible(event);
      yield isSeen && rows.stoodAt(row, mark) ? row : NO_ROW;
    }
  }

  private isCandidate(row: number, now: number, mark: number): boolean {
    const { rows } = this;
    if (row === NO_ROW || !rows.stoodAt(row, mark) || rows.isHidden(row)) return false;
    const expires = rows.expires(row);
    return expires === undefined || now < expires;
  }

  private named(ids: ReadonlySet<string>): number[] {
    return [...ids]
      .map((id) => this.rows.find(id))
      .filter((row) => row >= 0)
      .sort(this.rows.compare);
  }
}

/** A set of numbers below a bound, with a bit for each. */
class Bits {
  private readonly words: Uint32Array;

  constructor(bound: number) {
    this.words = new Uint32Array((bound + 31) >>> 5);
  }

  /** @returns false when the set has the number already */
  add(number: number): boolean {
    const [word, bit] = [number >>> 5, 1 << (number & 31)];
    const known = this.words[word] ?? 0;
    if ((known & bit) !== 0) return false;
    this.words[word] = known | bit;
    return true;
  }
}
