import type { Clock } from '../lib/clock.ts';

/** Milliseconds of waiting for a client after which it may be called slow. */
const WINDOW_MS = 2_000;
/** Bytes a second below which work does not wait for a client, even if nobody waits for its slot. */
const DECENT = 256 * 1024;
/** Bytes a second below which a client's request may be given up if there is no spool room left. */
const CRAWL = 64 * 1024;
/** Half-lives in milliseconds: of transferred bytes (in waiting time), and of waiting time. */
const BYTES_HALVE_MS = 1_000;
const WAITING_HALVES_MS = 10_000;
/** Value of the decaying sum at a steady rate of one byte a second. */
const STEADY = BYTES_HALVE_MS / 1000 / Math.LN2;
/** Upper bound of the sum, so that a fast start does not justify a long wait later. */
const MOST_BYTES = 4 * DECENT * STEADY;
/** Milliseconds between two checks while work waits for a client. */
const CHECK_MS = 250;

/** The value of a step, or `slow` if the client is too slow to wait for any longer. */
export type Waited<T> = { readonly value: T } | 'slow';

/**
 * Tells whether work that holds a slot waits too long for its client: for two seconds in total, and either at less than
 * 256 KiB/s or while other requests wait for a slot. Earlier waiting counts less and less. Time in which the client waits
 * for the work does not count.
 */
export class Flow {
  private readonly contended: () => boolean;
  private waited = 0;
  private bytes = MOST_BYTES;
  private readonly clock: Pick<Clock, 'monotonic'>;
  private at: number;
  /** Ends the wait for a step; undefined between two. */
  private onSlow: ((slow: 'slow') => void) | undefined;
  private timer: NodeJS.Timeout | undefined;

  /** @param contended true while others wait for a slot */
  constructor(contended: () => boolean, clock: Pick<Clock, 'monotonic'>) {
    this.contended = contended;
    this.clock = clock;
    this.at = clock.monotonic();
  }

  get slow(): boolean {
    return this.waited >= WINDOW_MS && (this.bytes < DECENT * STEADY || this.contended());
  }

  /** True for a slow client that transfers hardly anything. */
  get crawls(): boolean {
    return this.slow && this.bytes < CRAWL * STEADY;
  }

  /** Waits for a step until the client is slow. The step goes on in any case. */
  async wait<T>(step: Promise<T>, bytesOf: (value: T) => number): Promise<Waited<T>> {
    this.work();
    try {
      const first = await new Promise<Waited<T>>((resolve, reject) => {
        // Not a new function: V8 makes one that is assigned to a property in the old generation, where it keeps the bytes of
        // its step until the next full collection.
        this.onSlow = resolve;
        this.timer ??= setInterval(() => this.check(), CHECK_MS).unref();
        step.then((value) => resolve({ value }), reject);
      });
      this.wasWaitedFor();
      if (first !== 'slow') this.bytes = Math.min(MOST_BYTES, this.bytes + bytesOf(first.value));
      return first;
    } finally {
      this.onSlow = undefined;
    }
  }

  /** Waits for a step, however slow the client is. */
  async bear<T>(step: Promise<T>, bytesOf: (value: T) => number): Promise<T> {
    this.work();
    const value = await step;
    this.wasWaitedFor();
    this.bytes = Math.min(MOST_BYTES, this.bytes + bytesOf(value));
    return value;
  }

  /** Looks whether the client is slow by now. One timer serves thousands of steps. It ends when no step is waited for. */
  private check(): void {
    if (this.onSlow === undefined) {
      clearInterval(this.timer);
      this.timer = undefined;
      return;
    }
    this.wasWaitedFor();
    if (this.slow) this.onSlow('slow');
  }

  /** Counts the time since the last call as work. */
  private work(): void {
    this.elapsed();
  }

  /** Counts the time since the last call as waiting for the client. */
  private wasWaitedFor(): void {
    const elapsed = this.elapsed();
    this.waited += elapsed;
    this.bytes *= 0.5 ** (elapsed / BYTES_HALVE_MS);
  }

  private elapsed(): number {
    const now = this.clock.monotonic();
    const elapsed = now - this.at;
    this.at = now;
    this.waited *= 0.5 ** (elapsed / WAITING_HALVES_MS);
    return elapsed;
  }
}
