import type { Clock } from '../lib/clock.ts';
import type { Dice } from '../lib/dice.ts';
import { messageOf } from '../lib/errors.ts';
import type { NostrEvent, VerifiedEvent } from '../nostr/event.ts';
import type { Filter } from '../nostr/filter.ts';
import type { ObjectStorePair } from '../object-store/object-store.ts';
import type { Logger } from '../observability/logger.ts';
import { type AppendBatch, EventAppends } from './event-appends.ts';
import { EventCatalog } from './event-catalog.ts';
import { type FoldOptions, foldLog, hasAbandonedEntries, sweepLog, wantsSweep } from './event-fold.ts';
import { EventIndex, HIDDEN_SECONDS } from './event-index.ts';
import type { SegmentContent } from './event-segments.ts';
import { EventTail } from './event-tail.ts';
import { EventWriter } from './event-writer.ts';
import type { Events, QueryOptions, Stored } from './events.ts';

export interface EventStoreOptions extends ObjectStorePair {
  readonly clock: Clock;
  readonly dice: Dice;
  readonly log: Logger;
  /** Milliseconds between looks at what other servers have written. */
  readonly tailInterval?: number;
}

type Listener = Parameters<Events['onEvent']>[0];

const TAIL_INTERVAL_MS = 1_000;

/** Entries in no segment above which somebody folds. */
const FOLD_ABOVE = 64;

/** Servers that find that there is upkeep to do wait for up to this long, so that one of them does it. */
const UPKEEP_JITTER_MS = 5_000;
const UPKEEP_PAUSE_AFTER_FAILURE_MS = 30_000;

/** Tries of the last fold at the end of a process; what is left is folded by others, or after the next start. */
const LAST_FOLD_TRIES = 3;

/** The events of all servers over one bucket: durable in the log, answered from memory. */
export class EventStore implements Events {
  private readonly options: EventStoreOptions;
  private readonly index = new EventIndex();
  private readonly listeners = new Set<Listener>();
  private readonly catalog: EventCatalog;
  private readonly writer: EventWriter;
  private readonly tail: EventTail;
  private readonly appends: EventAppends;
  private readonly folding: FoldOptions;
  private readonly closing = new AbortController();
  /** Reading, folding and sweeping happen one after another. */
  private work: Promise<unknown> = Promise.resolve();
  private loop: Promise<void> | undefined;
  /** Monotonic milliseconds from which this server does the upkeep it has seen to be due. */
  private upkeepAt: number | undefined;
  private troubled = false;

  private constructor(options: EventStoreOptions) {
    this.options = options;
    const { control, bulk, clock, dice } = options;
    this.catalog = new EventCatalog({ control, clock, dice });
    this.writer = new EventWriter({
      control,
      catalog: this.catalog,
      clock,
      dice,
      onLate: (position, entry) => {
        this.tail.written(position, entry);
        const { at, events, hidden } = entry;
        this.learn({ events, hidden: hidden.map((event) => ({ at, event })) });
      },
    });
    this.tail = new EventTail({
      control,
      bulk,
      clock,
      catalog: this.catalog,
      own: () => this.writer.writerId,
      learn: (content) => this.learn(content),
    });
    this.appends = new EventAppends({
      judge: (event, hidden) => this.index.judge(event, hidden),
      write: (batch) => this.write(batch),
    });
    const { index, tail, catalog } = this;
    this.folding = { control, bulk, clock, dice, catalog, index, tail };
  }

  /**
   * Reads the whole log. Nothing runs in the background before {@link start}.
   * @throws CairnError `unavailable` when the store does not answer, `corrupt` when the log is damaged
   */
  static async open(options: EventStoreOptions): Promise<EventStore> {
    const store = new EventStore(options);
    await store.tailNow();
    return store;
  }

  /** Follows the other servers from now on, and does upkeep when it is due. */
  start(): void {
    this.loop ??= this.run();
  }

  /** Reads what other servers have written until now. @throws CairnError `unavailable`, `corrupt` */
  tailNow(): Promise<void> {
    return this.inTurn(() => this.look());
  }

  /**
   * Folds what is in no segment yet, whatever it is worth.
   * @returns false when another server folded meanwhile
   * @throws CairnError `unavailable`, `busy`, `corrupt`
   */
  fold(): Promise<boolean> {
    return this.inTurn(async () => {
      await this.look();
      return foldLog(this.folding);
    });
  }

  /**
   * Deletes what was folded more than ten minutes ago, and strikes writers off that have been silent for a day.
   * @throws CairnError `unavailable`, `busy`, `corrupt`
   */
  sweep(): Promise<void> {
    return this.inTurn(async () => {
      await this.look();
      if (wantsSweep(this.folding)) await sweepLog(this.folding);
    });
  }

  /** Waits for what is being written, then leaves the log so that nobody has to follow this process any more. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.loop;
    await this.appends.close();
    await this.inTurn(() => this.leave());
    this.listeners.clear();
  }

  get(id: string): NostrEvent | undefined {
    return this.index.get(id);
  }

  isHidden(id: string): boolean {
    return this.index.isHidden(id);
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

  count(filters: readonly Filter[], options: Omit<QueryOptions, 'limit'>): number {
    return this.index.count(filters, options);
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
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private async write(batch: AppendBatch) {
    const entry = { at: this.now(), ...batch };
    const position = await this.writer.write(entry);
    this.tail.written(position, entry);
    return (event: NostrEvent, hidden: boolean) => this.take(event, { hidden, at: entry.at }, false);
  }

  /** What is in the log by others' hands, or from before. */
  private learn({ events, hidden }: SegmentContent): void {
    for (const event of events) this.take(event, { hidden: false, at: 0 }, true);
    for (const { at, event } of hidden) {
      if (this.now() - at <= HIDDEN_SECONDS) this.take(event, { hidden: true, at }, true);
    }
  }

  private take(
    event: NostrEvent,
    standing: { readonly hidden: boolean; readonly at: number },
    elsewhere: boolean,
  ): Stored {
    const stored = this.index.add(event, standing);
    if (stored === 'stored') {
      for (const listener of this.listeners) listener(event, { hidden: standing.hidden, elsewhere });
    }
    return stored;
  }

  private async run(): Promise<void> {
    const { clock, tailInterval = TAIL_INTERVAL_MS } = this.options;
    while (!this.closing.signal.aborted) {
      await this.inTurn(() => this.round());
      await clock.sleep(tailInterval, this.closing.signal).catch((error: unknown) => {
        // The sleep ends early for one reason only: this store is being closed.
        if (!this.closing.signal.aborted) throw error;
      });
    }
  }

  private async look(): Promise<void> {
    this.index.dropOutdated(this.now());
    await this.tail.follow();
  }

  /** One look at the others. Trouble is told once, and its end; the next look reads what this one could not. */
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
    await this.upkeep();
  }

  private async upkeep(): Promise<void> {
    const { clock, dice, log } = this.options;
    const foldDue = this.tail.unfoldedEntries > FOLD_ABOVE || hasAbandonedEntries(this.folding);
    if (!foldDue && !wantsSweep(this.folding)) {
      this.upkeepAt = undefined;
      return;
    }
    this.upkeepAt ??= clock.monotonic() + UPKEEP_JITTER_MS * dice.fraction();
    if (clock.monotonic() < this.upkeepAt) return;
    this.upkeepAt = undefined;
    try {
      if (foldDue) await foldLog(this.folding);
      else await sweepLog(this.folding);
    } catch (error) {
      log.warn({ err: error }, 'upkeep of the event log failed; it is tried again');
      this.upkeepAt = clock.monotonic() + UPKEEP_PAUSE_AFTER_FAILURE_MS;
    }
  }

  /** Folds what is left and strikes this writer off. Should it fail, others do so in a day. */
  private async leave(): Promise<void> {
    try {
      for (let tries = 0; tries < LAST_FOLD_TRIES; tries++) {
        const own = this.writer.writerId;
        if (own === undefined) return;
        await this.look();
        if (await foldLog(this.folding, own)) return;
      }
    } catch (error) {
      this.options.log.warn(
        { reason: messageOf(error) },
        'the event log was not folded at the end; another server will, or this one after its next start',
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
