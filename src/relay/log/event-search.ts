import type { Cooperative } from '../../lib/cooperative.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import { type Filter, matches } from '../../nostr/filter.ts';
import type { KeptEvent, QueryOptions } from '../events.ts';
import { type EventLists, NO_ROW } from './event-lists.ts';
import type { EventRows } from './event-rows.ts';
import type { RowContents } from './row-contents.ts';

/** Everything about a question but for how much is wanted. */
type View = Omit<QueryOptions, 'limit'>;

/**
 * Answers to filters. Strangers choose how much there is to look at, so all of it happens in steps: one for each event that
 * is read, and one after some rows that do not match. Events may come and go between steps. What has come since the
 * beginning is passed over, by marks (see {@link EventRows.stoodAt}): it is told of in another way.
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

  /** See {@link EventReader.querying}. @param mark when it was asked */
  *querying(filters: readonly Filter[], options: QueryOptions, mark: number): Cooperative<NostrEvent[]> {
    const found = yield* this.found(filters, options, mark);
    return found.map((row) => this.contents.event(row));
  }

  /** See {@link EventReader.finding}. @param mark when it was asked */
  *finding(filters: readonly Filter[], options: QueryOptions, mark: number): Cooperative<KeptEvent[]> {
    const found = yield* this.found(filters, options, mark);
    return found.map((row) => this.contents.kept(row));
  }

  /** See {@link EventReader.counting}. @param mark when it was asked */
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

  /** The rows of an answer, in order. All of them still stand. */
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

  /** Rows that match a filter and may be seen, newest first, with {@link NO_ROW} for each that is not. */
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

/** A set of numbers below some bound, an eighth of a byte for each. */
class Bits {
  private readonly words: Uint32Array;

  constructor(bound: number) {
    this.words = new Uint32Array((bound + 31) >>> 5);
  }

  /** @returns false when the number is in it already */
  add(number: number): boolean {
    const [word, bit] = [number >>> 5, 1 << (number & 31)];
    const known = this.words[word] ?? 0;
    if ((known & bit) !== 0) return false;
    this.words[word] = known | bit;
    return true;
  }
}
