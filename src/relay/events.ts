/**
 * The events kept here, as the rest of the relay sees them. Durable truth is the event log in the object store; what is
 * asked here is answered from an index in memory and from local disk.
 */
import type { Cooperative } from '../lib/cooperative.ts';
import type { NostrEvent, VerifiedEvent } from '../nostr/event.ts';
import type { Filter } from '../nostr/filter.ts';

/**
 * What became of an event, or would become of it:
 * - `stored`: it is new, and in force
 * - `duplicate`: it is here already
 * - `superseded`: a newer replaceable or addressable one is here
 * - `deleted`: its author deleted it (NIP-09)
 */
export type Stored = 'stored' | 'duplicate' | 'superseded' | 'deleted';

export interface QueryOptions {
  /** Events returned at most; the newest win. */
  readonly limit: number;
  /** Seconds; what has expired by then (NIP-40) is left out. */
  readonly now: number;
  /** Who asks may not see everything. */
  readonly visible: (event: NostrEvent) => boolean;
  /** Events that are looked at most for each filter, visible or not; all when it is not given. */
  readonly looks?: number;
}

/** An event that is here, without its content in memory. */
export interface KeptEvent {
  /** Its JSON, read when it is asked for; undefined when the event is here no more. */
  readonly json: string | undefined;
}

/** Reading. Hidden events (announcements of repositories that wait for their first data) are found by id and address only. */
export interface EventReader {
  get(id: string): NostrEvent | undefined;
  isHidden(id: string): boolean;
  /** The newest event of an addressable or replaceable kind, hidden or not. @param identifier the `d` tag; '' for replaceable kinds */
  latest(kind: number, author: string, identifier: string): NostrEvent | undefined;
  /** The newest announcement of every key that announces this identifier, hidden or not. */
  announcements(identifier: string): readonly NostrEvent[];
  /**
   * Visible events that match any of the filters, newest first, of equal date the lowest id first, each once. All of
   * it happens at once: only for filters that match little, and not what a stranger chooses.
   */
  query(filters: readonly Filter[], options: QueryOptions): NostrEvent[];
  /** {@link query} in steps, between which events may come and go: see {@link finding}. */
  querying(filters: readonly Filter[], options: QueryOptions): Cooperative<NostrEvent[]>;
  /**
   * {@link query} in steps, for whoever sends the events on when there is time: they are not held in memory until then.
   * Between steps events may come and go. What has come since this was called is not found, and what has gone is not sent.
   */
  finding(filters: readonly Filter[], options: QueryOptions): Cooperative<KeptEvent[]>;
  /**
   * How many visible events match any of the filters, counted in steps. An event that stands from this call to the end
   * counts once; one that comes meanwhile does not count, and one that goes may or may not.
   */
  counting(filters: readonly Filter[], options: Omit<QueryOptions, 'limit'>): Cooperative<number>;
  /** True when a visible or hidden event refers to this id or address by a tag (e, E, q, a, A). */
  isReferredTo(idOrAddress: string): boolean;
  /** What {@link EventSink.append} would say of an event. */
  judge(event: NostrEvent): Stored;
}

export interface EventSink {
  /**
   * Makes events durable in the log, then known here. What is not `stored` is not written; of a hidden event that is
   * appended again without `hidden`, the answer is `stored` and it becomes visible.
   * @throws CairnError `unavailable` when the store does not take them: none of them is known then
   */
  append(
    events: readonly VerifiedEvent[],
    options?: { readonly hidden?: boolean },
  ): Promise<readonly Stored[]>;
}

export interface Events extends EventReader, EventSink {
  /**
   * Calls `listener` for every event that becomes visible, whichever server wrote it, and with `hidden` for one that is
   * known but not to be shown. Returns what ends it. A listener does not throw.
   */
  onEvent(
    listener: (event: NostrEvent, facts: { readonly hidden: boolean; readonly elsewhere: boolean }) => void,
  ): () => void;
}
