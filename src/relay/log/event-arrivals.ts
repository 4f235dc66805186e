import type { Clock } from '../../lib/clock.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import { kinds } from '../../nostr/kinds.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Events, Stored } from '../events.ts';
import type { EventContents } from './event-contents.ts';
import { type EventIndex, HIDDEN_SECONDS, type Standing } from './event-index.ts';
import type { EventSegmentContent } from './event-log.ts';
import type { Place } from './row-contents.ts';
import { StoredEventSegment } from './stored-segment.ts';

type Listener = Parameters<Events['onEvent']>[0];

export interface EventArrivalsOptions {
  readonly index: EventIndex;
  readonly contents: EventContents;
  /** See {@link EventStoreOptions.maxIndexBytes}. */
  readonly maxIndexBytes: number | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** One of so many events of an event segment is looked up to guess whether most of it is new. */
const SAMPLED = 16;

/** The memory of the index is checked at one of so many events. */
const LOOK_AT_MEMORY = 256;

/** Kinds that decide who may do what, and what is deleted. */
const VITAL = new Set<number>([
  kinds.repository,
  kinds.repositoryState,
  kinds.deletion,
  kinds.applicationData,
]);

/** Takes events from the log into the index, and tells listeners of them. */
export class EventArrivals {
  private readonly options: EventArrivalsOptions;
  private readonly listeners = new Set<Listener>();
  /** How many events of other servers were checked against the memory limit, and whether the index is full. */
  private looked = 0;
  private isFull = false;

  constructor(options: EventArrivalsOptions) {
    this.options = options;
  }

  /** See {@link Events.onEvent}. */
  onEvent(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Removes all listeners. */
  close(): void {
    this.listeners.clear();
  }

  /**
   * Takes in what other servers, or earlier processes, have written to the log.
   * @throws CairnError `corrupt` when it is damaged; `unavailable` when the local disk fails. It may be called again
   */
  learn(content: EventSegmentContent | StoredEventSegment): void {
    const now = Math.floor(this.options.clock.now() / 1000);
    if (content instanceof StoredEventSegment) this.learnSegment(content);
    else {
      for (const event of content.events) {
        if (!this.isLeftOut(event.kind)) this.take(event, SHOWN, true);
      }
    }
    for (const { at, event } of content.hidden) {
      if (now - at <= HIDDEN_SECONDS) this.take(event, { hidden: true, at }, true);
    }
  }

  /**
   * Takes in one event.
   * @param elsewhere true when another server or an earlier process has written it
   * @param place where its JSON is on local disk, if it is there already
   */
  take(event: NostrEvent, standing: Standing, elsewhere: boolean, place?: Place): Stored {
    const { index } = this.options;
    const stored = place === undefined ? index.add(event, standing) : index.addAt(event, standing, place);
    if (stored === 'stored') this.tell(event, standing.hidden, elsewhere);
    return stored;
  }

  /** If most of an event segment is new, it is copied to local disk whole; otherwise only its new events. */
  private learnSegment(segment: StoredEventSegment): void {
    const { index, contents } = this.options;
    const { bytes, slices } = segment;
    const some = slices.filter((_, at) => at % SAMPLED === 0);
    const known = some.filter((slice) => index.has(segment.idOf(slice))).length;
    const base = known * 2 < some.length ? contents.append(bytes) : undefined;
    // The bytes between the events are not needed.
    let left = bytes.length;
    try {
      for (const slice of slices) {
        const head = segment.head(slice);
        if (this.isLeftOut(head.kind)) continue;
        if (base === undefined) {
          this.take(segment.event(slice), SHOWN, true);
          continue;
        }
        const place = { position: base + slice.from, length: slice.to - slice.from };
        const stored = index.addAt(head, SHOWN, place);
        left -= place.length;
        if (stored === 'stored' && this.listeners.size > 0) this.tell(segment.event(slice), false, true);
      }
    } finally {
      if (base !== undefined) contents.drop(base, left);
    }
  }

  /** True when the index is full and the kind is not vital: then events of other servers are not taken in. */
  private isLeftOut(kind: number): boolean {
    const { index, maxIndexBytes: most, log } = this.options;
    if (most === undefined || VITAL.has(kind)) return false;
    if (this.looked++ % LOOK_AT_MEMORY !== 0) return this.isFull;
    const wasFull = this.isFull;
    this.isFull = index.memory >= most;
    if (this.isFull && !wasFull) {
      log.error(
        { events: index.size, bytes: most },
        'the index of events is full: events of other servers are not shown here',
      );
    }
    return this.isFull;
  }

  private tell(event: NostrEvent, hidden: boolean, elsewhere: boolean): void {
    for (const listener of this.listeners) listener(event, { hidden, elsewhere });
  }
}

const SHOWN: Standing = { hidden: false, at: 0 };
