import type { Clock } from '../../lib/clock.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import { kinds } from '../../nostr/kinds.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Events, Stored } from '../events.ts';
import type { EventContents } from './event-contents.ts';
import { type EventIndex, HIDDEN_SECONDS, type Standing } from './event-index.ts';
import type { SegmentContent } from './event-log.ts';
import type { Place } from './row-contents.ts';
import { StoredSegment } from './stored-segment.ts';

type Listener = Parameters<Events['onEvent']>[0];

export interface EventArrivalsOptions {
  readonly index: EventIndex;
  readonly contents: EventContents;
  /** See {@link EventStoreOptions.maxIndexBytes}. */
  readonly maxIndexBytes: number | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Of so many events of a segment one is looked at, to see whether they are news. */
const SAMPLED = 16;

/** The memory of the index is looked at for one of so many events. */
const LOOK_AT_MEMORY = 256;

/** What says who may do what, and what is no more. */
const VITAL = new Set<number>([
  kinds.repository,
  kinds.repositoryState,
  kinds.deletion,
  kinds.applicationData,
]);

/** Events on their way from the log into the index, and to those who want to hear of them. */
export class EventArrivals {
  private readonly options: EventArrivalsOptions;
  private readonly listeners = new Set<Listener>();
  /** Events of others that were looked at, and whether the index has no room for more of them. */
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

  /** Nobody hears of anything any more. */
  close(): void {
    this.listeners.clear();
  }

  /**
   * What is in the log by others' hands, or from before.
   * @throws CairnError `corrupt` when it is damaged, `unavailable` when the local disk does not take it; it can be learnt again
   */
  learn(content: SegmentContent | StoredSegment): void {
    const now = Math.floor(this.options.clock.now() / 1000);
    if (content instanceof StoredSegment) this.learnSegment(content);
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
   * Takes one event in.
   * @param elsewhere another server has written it, or an earlier process
   * @param place where its JSON is already
   */
  take(event: NostrEvent, standing: Standing, elsewhere: boolean, place?: Place): Stored {
    const { index } = this.options;
    const stored = place === undefined ? index.add(event, standing) : index.addAt(event, standing, place);
    if (stored === 'stored') this.tell(event, standing.hidden, elsewhere);
    return stored;
  }

  /** A segment goes to local disk as it is, if most of it is news; else its events that are. */
  private learnSegment(segment: StoredSegment): void {
    const { index, contents } = this.options;
    const { bytes, slices } = segment;
    const some = slices.filter((_, at) => at % SAMPLED === 0);
    const known = some.filter((slice) => index.has(segment.idOf(slice))).length;
    const base = known * 2 < some.length ? contents.append(bytes) : undefined;
    // What is between the events is needed by nobody.
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

  /** What other servers have taken is bounded too: beyond that, what says who may do what is known, and nothing else. */
  private isLeftOut(kind: number): boolean {
    const { index, maxIndexBytes: most, log } = this.options;
    if (most === undefined || VITAL.has(kind)) return false;
    if (this.looked++ % LOOK_AT_MEMORY !== 0) return this.isFull;
    const wasFull = this.isFull;
    this.isFull = index.memory >= most;
    if (this.isFull && !wasFull) {
      log.error(
        { events: index.size, bytes: most },
        'the index of events is full: others are not shown here',
      );
    }
    return this.isFull;
  }

  private tell(event: NostrEvent, hidden: boolean, elsewhere: boolean): void {
    for (const listener of this.listeners) listener(event, { hidden, elsewhere });
  }
}

const SHOWN: Standing = { hidden: false, at: 0 };
