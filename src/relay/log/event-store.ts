import type { Clock } from '../../lib/clock.ts';
import { type Cooperative, cooperate } from '../../lib/cooperative.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import type { NostrEvent, VerifiedEvent } from '../../nostr/event.ts';
import type { Filter } from '../../nostr/filter.ts';
import type { ObjectStorePair } from '../../object-store/object-store.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Events, KeptEvent, ListedEvent, QueryOptions, Stored } from '../events.ts';
import { type AppendBatch, EventAppends } from './event-appends.ts';
import { EventArrivals } from './event-arrivals.ts';
import { EventCatalog } from './event-catalog.ts';
import {
  COMPACTION_BYTES,
  type CompactionOptions,
  compactLog,
  hasAbandonedEntries,
  sweepLog,
  wantsSweep,
} from './event-compaction.ts';
import { EventContents } from './event-contents.ts';
import { EventIndex } from './event-index.ts';
import type { Ledger } from './event-quota.ts';
import { EventTail } from './event-tail.ts';
import { EventWriter } from './event-writer.ts';

export interface EventStoreOptions extends ObjectStorePair {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Folder for the JSON of events while this process runs; the system's temporary folder when it is not given. */
  readonly folder?: string;
  /** Bytes of memory of the index, above which only vital events of other servers are taken in. */
  readonly maxIndexBytes?: number;
  /** Milliseconds between two readings of what other servers have written. */
  readonly tailInterval?: number;
}

type Listener = Parameters<Events['onEvent']>[0];

const TAIL_INTERVAL_MS = 1_000;

/** The log is compacted when it has more entries in no event segment than this, or more bytes of them. */
const COMPACT_ABOVE = 64;
const COMPACT_ABOVE_BYTES = 4 * 1024 * 1024;

/** Servers that find upkeep due wait for a random time up to this, so that only one of them does it. */
const UPKEEP_JITTER_MS = 5_000;
const UPKEEP_PAUSE_AFTER_FAILURE_MS = 30_000;

/** How often the last compaction of a process is tried. Other servers, or the next start, compact what is left. */
const LAST_COMPACTION_TRIES = 3;

/** The events of all servers over one bucket: durable in the log, found by an index in memory, read from local disk. */
export class EventStore implements Events {
  private readonly options: EventStoreOptions;
  private readonly contents: EventContents;
  private readonly index: EventIndex;
  private readonly arrivals: EventArrivals;
  private readonly catalog: EventCatalog;
  private readonly writer: EventWriter;
  private readonly tail: EventTail;
  private readonly appends: EventAppends;
  private readonly compaction: CompactionOptions;
  private readonly closing = new AbortController();
  /** Reading, compaction and sweeping run one after another. */
  private work: Promise<unknown> = Promise.resolve();
  private loop: Promise<void> | undefined;
  /** When this server does the upkeep that is due, in monotonic milliseconds. */
  private upkeepAt: number | undefined;
  private troubled = false;
  /** When the last complete reading of the log began, in monotonic milliseconds. */
  private lookedAt = Number.NEGATIVE_INFINITY;

  private constructor(options: EventStoreOptions) {
    this.options = options;
    const { control, bulk, clock, random, log, folder, maxIndexBytes } = options;
    this.contents = new EventContents(folder === undefined ? { random } : { folder, random });
    this.index = new EventIndex({ contents: this.contents, random });
    const { index, contents } = this;
    this.arrivals = new EventArrivals({ index, contents, maxIndexBytes, clock, log });
    this.catalog = new EventCatalog({ control, clock, random });
    this.writer = new EventWriter({
      control,
      catalog: this.catalog,
      clock,
      random,
      onLate: (position, entry) => {
        this.tail.written(position, entry);
        const { at, events, hidden } = entry;
        this.arrivals.learn({ events, hidden: hidden.map((event) => ({ at, event })) });
      },
    });
    this.tail = new EventTail({
      control,
      bulk,
      clock,
      catalog: this.catalog,
      own: () => this.writer.writerId,
      learn: (content) => this.arrivals.learn(content),
    });
    this.appends = new EventAppends({
      judge: (event, hidden) => this.index.judge(event, hidden),
      write: (batch) => this.write(batch),
    });
    const { tail, catalog } = this;
    this.compaction = { control, bulk, clock, random, catalog, index, tail };
  }

  /**
   * Reads the whole log. Nothing runs in the background before {@link start}.
   * @throws CairnError `unavailable` when the store does not answer, `corrupt` when the log is damaged
   */
  static async open(options: EventStoreOptions): Promise<EventStore> {
    const store = new EventStore(options);
    try {
      await store.tailNow();
    } catch (error) {
      store.contents.close();
      throw error;
    }
    return store;
  }

  /** Follows the other servers from now on, and does upkeep when it is due. */
  start(): void {
    this.loop ??= this.run();
  }

  /**
   * True when everything that was in the log this many milliseconds ago is known here. Always true before {@link start}: then
   * this server follows no others.
   */
  isCurrent(milliseconds: number): boolean {
    return this.loop === undefined || this.options.clock.monotonic() - this.lookedAt <= milliseconds;
  }

  /** Reads what other servers have written so far. @throws CairnError `unavailable`, `corrupt` */
  tailNow(): Promise<void> {
    return this.inTurn(() => this.look());
  }

  /**
   * Compacts everything that is in no event segment yet, however little.
   * @returns false when another server compacted it meanwhile
   * @throws CairnError `unavailable`, `busy`, `corrupt`
   */
  compact(): Promise<boolean> {
    return this.inTurn(async () => {
      for (let isWhole = false; !isWhole; ) {
        await this.look();
        isWhole = this.tail.uncompactedBytes <= COMPACTION_BYTES;
        if (!(await compactLog(this.compaction))) return false;
      }
      return true;
    });
  }

  /**
   * Deletes objects that were compacted more than ten minutes ago, and removes writers that have been silent for a day.
   * @throws CairnError `unavailable`, `busy`, `corrupt`
   */
  sweep(): Promise<void> {
    return this.inTurn(async () => {
      await this.look();
      if (wantsSweep(this.compaction)) await sweepLog(this.compaction);
    });
  }

  /** Waits for writes under way, then leaves the log, so that no server has to follow this process any more. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.loop;
    await this.appends.close();
    await this.inTurn(() => this.leave());
    this.arrivals.close();
    this.contents.close();
  }

  /** How many events are in force, hidden ones included. */
  get size(): number {
    return this.index.size;
  }

  /** Bytes of memory that the index uses; the events themselves are on local disk. */
  get memory(): number {
    return this.index.memory;
  }

  /** How much is stored, by author and repository. */
  get ledger(): Ledger {
    return this.index;
  }

  get(id: string): NostrEvent | undefined {
    return this.index.get(id);
  }

  isHidden(id: string): boolean {
    return this.index.isHidden(id);
  }

  hiddenEvents(): Iterable<NostrEvent> {
    return this.index.hiddenEvents();
  }

  latest(kind: number, author: string, identifier: string): NostrEvent | undefined {
    return this.index.latest(kind, author, identifier);
  }

  announcements(identifier: string): readonly NostrEvent[] {
    return this.index.announcements(identifier);
  }

  query(filters: readonly Filter[], options: QueryOptions): NostrEvent[] {
    return this.index.query(filters, options);
  }

  querying(filters: readonly Filter[], options: QueryOptions): Cooperative<NostrEvent[]> {
    return this.index.querying(filters, options);
  }

  finding(filters: readonly Filter[], options: QueryOptions): Cooperative<KeptEvent[]> {
    return this.index.finding(filters, options);
  }

  counting(filters: readonly Filter[], options: Omit<QueryOptions, 'limit'>): Cooperative<number> {
    return this.index.counting(filters, options);
  }

  listing(filter: Filter, options: Pick<QueryOptions, 'limit' | 'now'>): Cooperative<ListedEvent[]> {
    return this.index.listing(filter, options);
  }

  /** How many events of a kind there are, hidden ones included; costs nothing. */
  countOfKind(kind: number): number {
    return this.index.countOfKind(kind);
  }

  isReferredTo(idOrAddress: string): boolean {
    return this.index.isReferredTo(idOrAddress);
  }

  judge(event: NostrEvent): Stored {
    return this.index.judge(event);
  }

  append(
    events: readonly VerifiedEvent[],
    options: { readonly hidden?: boolean } = {},
  ): Promise<readonly Stored[]> {
    return this.appends.append(events, options.hidden ?? false);
  }

  onEvent(listener: Listener): () => void {
    return this.arrivals.onEvent(listener);
  }

  private async write(batch: AppendBatch) {
    const entry = { at: this.now(), ...batch };
    // First to local disk: an event that does not fit there is not taken at all.
    const places = new Map(
      [...entry.events, ...entry.hidden].map((event) => [event.id, this.index.contents.place(event)]),
    );
    try {
      this.tail.written(await this.writer.write(entry), entry);
    } catch (error) {
      for (const place of places.values()) this.index.contents.drop(place);
      throw error;
    }
    return (event: NostrEvent, hidden: boolean) => {
      const place = places.get(event.id);
      places.delete(event.id);
      return this.arrivals.take(event, { hidden, at: entry.at }, false, place);
    };
  }

  private async run(): Promise<void> {
    const { clock, tailInterval = TAIL_INTERVAL_MS } = this.options;
    while (!this.closing.signal.aborted) {
      await this.inTurn(() => this.round());
      await clock.sleep(tailInterval, this.closing.signal).catch((error: unknown) => {
        // Only closing this store ends the sleep early.
        if (!this.closing.signal.aborted) throw error;
      });
    }
  }

  private async look(): Promise<void> {
    const began = this.options.clock.monotonic();
    this.index.dropOutdated(this.now());
    await this.tail.follow();
    this.lookedAt = began;
  }

  /** One reading of the log, and upkeep. A failure is logged once, and so is its end; the next reading continues. */
  private async round(): Promise<void> {
    const { log } = this.options;
    try {
      await this.look();
      if (this.troubled) log.info('the event log can be read again');
      this.troubled = false;
    } catch (error) {
      if (!this.troubled) log.warn({ err: error }, 'the event log cannot be read; still trying');
      this.troubled = true;
      return;
    }
    try {
      await cooperate(this.index.contents.tidying());
    } catch (error) {
      log.warn({ err: error }, 'no space could be freed on the local disk');
    }
    await this.upkeep();
  }

  private async upkeep(): Promise<void> {
    const { clock, random, log } = this.options;
    const isCompactionDue =
      this.tail.uncompactedEntries > COMPACT_ABOVE ||
      this.tail.uncompactedBytes > COMPACT_ABOVE_BYTES ||
      hasAbandonedEntries(this.compaction);
    if (!isCompactionDue && !wantsSweep(this.compaction)) {
      this.upkeepAt = undefined;
      return;
    }
    this.upkeepAt ??= clock.monotonic() + UPKEEP_JITTER_MS * random.fraction();
    if (clock.monotonic() < this.upkeepAt) return;
    this.upkeepAt = undefined;
    try {
      if (isCompactionDue) await compactLog(this.compaction);
      else await sweepLog(this.compaction);
    } catch (error) {
      log.warn({ err: error }, 'upkeep of the event log failed; it is tried again');
      this.upkeepAt = clock.monotonic() + UPKEEP_PAUSE_AFTER_FAILURE_MS;
    }
  }

  /** Compacts what is left and removes this writer from the catalog. If that fails, other servers do it a day later. */
  private async leave(): Promise<void> {
    try {
      for (let tries = 0; tries < LAST_COMPACTION_TRIES; ) {
        const own = this.writer.writerId;
        if (own === undefined) return;
        await this.look();
        const isWhole = this.tail.uncompactedBytes <= COMPACTION_BYTES;
        if (!(await compactLog(this.compaction, own))) tries++;
        else if (isWhole) return;
      }
    } catch (error) {
      this.options.log.warn(
        { reason: messageOf(error) },
        'the event log was not compacted at the end; another server or the next start will do it',
      );
    }
  }

  private inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.work.then(task, task);
    this.work = result.catch(() => undefined);
    return result;
  }

  /** Seconds. */
  private now(): number {
    return Math.floor(this.options.clock.now() / 1000);
  }
}
