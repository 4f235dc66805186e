import { CairnError, publicError } from '../../lib/errors.ts';
import { encodeEvent, type NostrEvent } from '../../nostr/event.ts';
import type { Stored } from '../events.ts';

/** Events of several appends that are written to the log together. */
export interface AppendBatch {
  readonly events: readonly NostrEvent[];
  readonly hidden: readonly NostrEvent[];
}

export interface EventAppendsOptions {
  readonly judge: (event: NostrEvent, hidden: boolean) => Stored;
  /**
   * Makes a batch durable.
   * @returns a function that then adds single events of the batch to the index, and returns the result for each
   * @throws the error that the callers of {@link EventAppends.append} get
   */
  write(batch: AppendBatch): Promise<(event: NostrEvent, hidden: boolean) => Stored>;
}

interface Waiting {
  readonly events: readonly NostrEvent[];
  readonly hidden: boolean;
  readonly bytes: number;
  resolve(stored: readonly Stored[]): void;
  reject(error: unknown): void;
}

/** How much of several appends one log entry takes. A single append is never split, whatever its size. */
const BATCH_EVENTS = 500;
const BATCH_BYTES = 2 * 1024 * 1024;

/** How many bytes of JSON may wait for the store; in memory they take about three times as much. */
const QUEUE_BYTES = 16 * 1024 * 1024;

/** Group commit: appends that arrive during a write go together into the next one. */
export class EventAppends {
  private readonly options: EventAppendsOptions;
  private readonly queue: Waiting[] = [];
  private queuedBytes = 0;
  private running: Promise<void> | undefined;
  private closed = false;

  constructor(options: EventAppendsOptions) {
    this.options = options;
  }

  /** @throws CairnError `busy` when too much is waiting; `unavailable` after {@link close} and when the write fails */
  async append(events: readonly NostrEvent[], hidden: boolean): Promise<readonly Stored[]> {
    const judged = events.map((event) => this.options.judge(event, hidden));
    if (judged.every((verdict) => verdict !== 'stored')) return judged;
    if (this.closed) throw publicError('unavailable', 'the server is shutting down');
    const bytes = events.reduce((sum, event) => sum + Buffer.byteLength(encodeEvent(event)), 0);
    if (this.queuedBytes > 0 && this.queuedBytes + bytes > QUEUE_BYTES) {
      throw new CairnError('busy', 'too many events at once, try again in a moment');
    }
    this.queuedBytes += bytes;
    return new Promise((resolve, reject) => {
      this.queue.push({ events, hidden, bytes, resolve, reject });
      this.running ??= this.drain();
    });
  }

  /** Takes no more appends, and waits for those under way. */
  async close(): Promise<void> {
    this.closed = true;
    await this.running;
  }

  private async drain(): Promise<void> {
    while (this.queue.length > 0) {
      const batch = this.nextBatch();
      try {
        await this.commit(batch);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
      for (const { bytes } of batch) this.queuedBytes -= bytes;
    }
    this.running = undefined;
  }

  private nextBatch(): Waiting[] {
    let events = 0;
    let bytes = 0;
    let length = 0;
    for (const waiting of this.queue) {
      events += waiting.events.length;
      bytes += waiting.bytes;
      if (length > 0 && (events > BATCH_EVENTS || bytes > BATCH_BYTES)) break;
      length++;
    }
    return this.queue.splice(0, length);
  }

  private async commit(batch: readonly Waiting[]): Promise<void> {
    // By id: an event that two appends contain is written once, visibly if one of them asks for that.
    const wanted = new Map<string, { readonly event: NostrEvent; readonly hidden: boolean }>();
    const judged = batch.map(({ events, hidden }) =>
      events.map((event) => {
        const verdict = this.options.judge(event, hidden);
        if (verdict === 'stored' && !(hidden && wanted.has(event.id)))
          wanted.set(event.id, { event, hidden });
        return { event, verdict };
      }),
    );
    const all = [...wanted.values()];
    const eventsThat = (hidden: boolean) =>
      all.filter((one) => one.hidden === hidden).map((one) => one.event);
    const take =
      all.length === 0
        ? this.options.judge
        : await this.options.write({ events: eventsThat(false), hidden: eventsThat(true) });
    for (const [at, { hidden, resolve }] of batch.entries()) {
      // Events that were not written keep their first verdict, even if it would be another one now.
      const verdicts = judged[at] ?? [];
      resolve(verdicts.map(({ event, verdict }) => (verdict === 'stored' ? take(event, hidden) : verdict)));
    }
  }
}
