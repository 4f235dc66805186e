/** Visible events in lists by what filters ask for, so that an answer looks at little more than what it returns. */
import type { NostrEvent } from '../nostr/event.ts';
import { newestFirst } from '../nostr/event-order.ts';
import { type Filter, matches } from '../nostr/filter.ts';

/** Pairs of author and kind that are looked up one by one; a filter with more goes by authors or kinds alone. */
const MAX_PAIRS = 4_096;

/** Only tags of one letter are asked for (NIP-01). */
const LETTER = /^[A-Za-z]$/;

export class EventLists {
  private readonly all = new EventList();
  private readonly byKind = new Map<number, EventList>();
  private readonly byAuthor = new Map<string, EventList>();
  private readonly byPair = new Map<string, EventList>();
  /** By letter, then by value: the values are strings that the events hold anyway. */
  private readonly byTag = new Map<string, Map<string, EventList>>();

  add(event: NostrEvent): void {
    this.all.add(event);
    listOf(this.byKind, event.kind).add(event);
    listOf(this.byAuthor, event.pubkey).add(event);
    listOf(this.byPair, pairOf(event.pubkey, event.kind)).add(event);
    for (const [letter, values] of lettersOf(event)) {
      const lists = this.byTag.get(letter) ?? new Map<string, EventList>();
      this.byTag.set(letter, lists);
      for (const value of values) listOf(lists, value).add(event);
    }
  }

  remove(event: NostrEvent): void {
    this.all.remove(event);
    removeFrom(this.byKind, event.kind, event);
    removeFrom(this.byAuthor, event.pubkey, event);
    removeFrom(this.byPair, pairOf(event.pubkey, event.kind), event);
    for (const [letter, values] of lettersOf(event)) {
      const lists = this.byTag.get(letter);
      if (lists === undefined) continue;
      for (const value of values) removeFrom(lists, value, event);
    }
  }

  /** The events that match a filter, newest first, each once. The filter's `limit` has no part in it. */
  *matching(filter: Filter): Generator<NostrEvent> {
    for (const event of newestOf(this.narrowest(filter), filter.until)) {
      if (filter.since !== undefined && event.created_at < filter.since) return;
      if (matches(filter, event)) yield event;
    }
  }

  /** True when an event has a tag of this letter whose first value is this. */
  hasTag(letter: string, value: string): boolean {
    return this.byTag.get(letter)?.has(value) ?? false;
  }

  /** Lists that hold every event that matches, as few events as the conditions allow. */
  private narrowest(filter: Filter): readonly EventList[] {
    const { authors, kinds } = filter;
    const choices: EventList[][] = [[this.all]];
    for (const [letter, values] of filter.tags) {
      const lists = this.byTag.get(letter);
      choices.push(lists === undefined ? [] : present([...values].map((value) => lists.get(value))));
    }
    if (authors !== undefined && kinds !== undefined && authors.size * kinds.size <= MAX_PAIRS) {
      const pairs = [...authors].flatMap((author) => [...kinds].map((kind) => pairOf(author, kind)));
      choices.push(present(pairs.map((pair) => this.byPair.get(pair))));
    } else {
      if (authors !== undefined) {
        choices.push(present([...authors].map((author) => this.byAuthor.get(author))));
      }
      if (kinds !== undefined) choices.push(present([...kinds].map((kind) => this.byKind.get(kind))));
    }
    return choices.reduce((best, choice) => (total(choice) < total(best) ? choice : best));
  }
}

/** Events in order, the newest last: that is where most are added, and where answers begin. */
class EventList {
  readonly events: NostrEvent[] = [];

  add(event: NostrEvent): void {
    const last = this.events.at(-1);
    if (last === undefined || newestFirst(event, last) < 0) this.events.push(event);
    else this.events.splice(this.positionOf(event), 0, event);
  }

  remove(event: NostrEvent): void {
    const position = this.positionOf(event);
    if (this.events[position]?.id === event.id) this.events.splice(position, 1);
  }

  /** How many events are of this second or older. */
  countUntil(second: number | undefined): number {
    if (second === undefined) return this.events.length;
    return lowerBound(this.events, (event) => event.created_at <= second);
  }

  private positionOf(event: NostrEvent): number {
    return lowerBound(this.events, (other) => newestFirst(event, other) < 0);
  }
}

/** The events of several lists, newest first; one that several hold comes once. @param until the first second to look at */
function* newestOf(lists: readonly EventList[], until: number | undefined): Generator<NostrEvent> {
  const cursors = lists
    .map(({ events }, at) => ({ events, left: lists[at]?.countUntil(until) ?? 0 }))
    .filter(({ left }) => left > 0);
  for (let at = cursors.length >> 1; at >= 0; at--) sink(cursors, at);
  let last: NostrEvent | undefined;
  for (;;) {
    const [top] = cursors;
    const event = top?.events[top.left - 1];
    if (top === undefined || event === undefined) return;
    top.left--;
    if (top.left === 0) {
      const end = cursors.pop();
      if (end !== undefined && cursors.length > 0) cursors[0] = end;
    }
    sink(cursors, 0);
    if (event.id === last?.id) continue;
    last = event;
    yield event;
  }
}

/** Where a reader of a list is: `left` events, counted from the oldest, are still to be read. */
interface Cursor {
  readonly events: readonly NostrEvent[];
  left: number;
}

/** Restores the order of a binary heap, newest event on top, below a place whose cursor has moved. */
function sink(heap: Cursor[], place: number): void {
  const cursor = heap[place];
  if (cursor === undefined) return;
  for (;;) {
    const left = 2 * place + 1;
    const child = isNewer(heap[left + 1], heap[left]) ? left + 1 : left;
    const lower = heap[child];
    if (lower === undefined || !isNewer(lower, cursor)) break;
    heap[place] = lower;
    place = child;
  }
  heap[place] = cursor;
}

function isNewer(a: Cursor | undefined, b: Cursor | undefined): boolean {
  const first = a?.events[a.left - 1];
  const second = b?.events[b.left - 1];
  if (first === undefined || second === undefined) return first !== undefined;
  return newestFirst(first, second) < 0;
}

/** The number of leading events for which `before` holds; it holds for no event after one for which it does not. */
function lowerBound(events: readonly NostrEvent[], before: (event: NostrEvent) => boolean): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const event = events[middle];
    if (event !== undefined && before(event)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function listOf<K>(lists: Map<K, EventList>, key: K): EventList {
  const known = lists.get(key);
  if (known !== undefined) return known;
  const list = new EventList();
  lists.set(key, list);
  return list;
}

function removeFrom<K>(lists: Map<K, EventList>, key: K, event: NostrEvent): void {
  const list = lists.get(key);
  list?.remove(event);
  if (list?.events.length === 0) lists.delete(key);
}

/** The distinct first values of an event's tags of one letter. */
function lettersOf(event: NostrEvent): Map<string, Set<string>> {
  const letters = new Map<string, Set<string>>();
  for (const [name = '', value] of event.tags) {
    if (value === undefined || !LETTER.test(name)) continue;
    const values = letters.get(name);
    if (values === undefined) letters.set(name, new Set([value]));
    else values.add(value);
  }
  return letters;
}

function pairOf(author: string, kind: number): string {
  return `${author}:${kind}`;
}

function present(lists: readonly (EventList | undefined)[]): EventList[] {
  return lists.filter((list) => list !== undefined);
}

function total(lists: readonly EventList[]): number {
  return lists.reduce((sum, { events }) => sum + events.length, 0);
}
