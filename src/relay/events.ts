/**
 * The events kept here, as the rest of the relay sees them. The event log in the object store is the durable truth. Queries
 * are answered from an index in memory and from local disk.
 */
import type { Cooperative } from '../lib/cooperative.ts';
import type { NostrEvent, VerifiedEvent } from '../nostr/event.ts';
import type { Filter } from '../nostr/filter.ts';

/**
 * The result of storing an event:
 * - `stored`: it is new, and in force
 * - `duplicate`: it is here already
 * - `superseded`: a newer replaceable or addressable one is here
 * - `deleted`: its author deleted it (NIP-09)
 */
export type Stored = 'stored' | 'duplicate' | 'superseded' | 'deleted';

export interface QueryOptions {
  /** How many events are returned at most; the newest win. */
  readonly limit: number;
  /** Seconds; events that have expired by then (NIP-40) are left out. */
  readonly now: number;
  /** True for events that the client may see. */
  readonly visible: (event: NostrEvent) => boolean;
  /** How many events each filter looks at, visible or not; all when it is not given. */
  readonly looks?: number;
}

/** A stored event; its content is not in memory. */
export interface KeptEvent {
  /** The event, read on demand; undefined when it is not here any more. */
  readonly event: NostrEvent | undefined;
  /** Its JSON, read on demand; undefined when the event is not here any more. */
  readonly json: string | undefined;
}

/** What the index itself knows of an event. */
export interface ListedEvent {
  readonly id: string;
  readonly kind: number;
  /** Seconds. */
  readonly at: number;
}

/** Reading. Hidden events (announcements of repositories that have no data yet) are found by id and address only. */
export interface EventReader {
  get(id: string): NostrEvent | undefined;
  isHidden(id: string): boolean;
  /** All hidden events, in any sequence, one in memory at a time. They must not change while they are read. */
  hiddenEvents(): Iterable<NostrEvent>;
  /** The newest event of an addressable or replaceable kind, hidden or not. @param identifier the `d` tag; '' for replaceable kinds */
  latest(kind: number, author: string, identifier: string): NostrEvent | undefined;
  /** The newest announcement of every key that announces this identifier, hidden or not. */
  announcements(identifier: string): readonly NostrEvent[];
  /**
   * Visible events that match any of the filters: newest first, lowest id first for equal dates, each once. Runs without
   * yielding, so only for filters that match few events and that no stranger chooses.
   */
  query(filters: readonly Filter[], options: QueryOptions): NostrEvent[];
  /** {@link query} in steps. Events may come and go between steps: see {@link finding}. */
  querying(filters: readonly Filter[], options: QueryOptions): Cooperative<NostrEvent[]>;
  /**
   * {@link query} in steps, for callers that send the events later: until then the events are not held in memory. Events
   * may come and go between steps. Those that came after the call are not found; those that have gone are not sent.
   */
  finding(filters: readonly Filter[], options: QueryOptions): Cooperative<KeptEvent[]>;
  /**
   * Counts the visible events that match any of the filters, in steps. An event that is here from the call to the end counts
   * once. One that comes meanwhile does not count; one that goes may or may not count.
   */
  counting(filters: readonly Filter[], options: Omit<QueryOptions, 'limit'>): Cooperative<number>;
  /**
   * Lists the events that match a filter, newest first, in steps, and reads none of them: the index alone answers. It compares
   * keys and tags by hashes. Whoever shows one of the events reads it, and asks first whether the reader may see it. Ignores
   * `ids` and the filter's `limit`.
   */
  listing(filter: Filter, options: Pick<QueryOptions, 'limit' | 'now'>): Cooperative<ListedEvent[]>;
  /** True when a visible or hidden event refers to this id or address by a tag (e, E, q, a, A). */
  isReferredTo(idOrAddress: string): boolean;
  /** What {@link EventSink.append} would return for an event. */
  judge(event: NostrEvent): Stored;
}

export interface EventSink {
  /**
   * Writes events to the log, then adds them to the index. Only events that are `stored` are written. A hidden event that is
   * appended again without `hidden` becomes visible; the result is `stored`.
   * @throws CairnError `unavailable` when the store does not take them: then none is added to the index
   */
  append(
    events: readonly VerifiedEvent[],
    options?: { readonly hidden?: boolean },
  ): Promise<readonly Stored[]>;
}

export interface Events extends EventReader, EventSink {
  /**
   * Calls `listener` for every event that becomes visible, whichever server wrote it; and with `hidden` for one that is known
   * but must not be shown. A listener must not throw.
   * @returns a function that removes the listener
   */
  onEvent(
    listener: (event: NostrEvent, facts: { readonly hidden: boolean; readonly elsewhere: boolean }) => void,
  ): () => void;
}
