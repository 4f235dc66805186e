import type { Clock } from '../lib/clock.ts';

/** Milliseconds of waiting for a client after which it may be called slow. */
const WINDOW_MS = 2_000;
/** Bytes a second below which work does not wait for a client, whether or not others want its place. */
const DECENT = 256 * 1024;
/** Bytes a second below which a client may lose what it has begun, when there is no room left for it. */
const CRAWL = 64 * 1024;
/** Milliseconds of waiting after which a byte counts half, and milliseconds after which waiting does. */
const BYTES_HALVE_MS = 1_000;
const WAITING_HALVES_MS = 10_000;
/** What the decaying sum comes to at a steady rate of one byte a second. */
const STEADY = BYTES_HALVE_MS / 1000 / Math.LN2;
/** What came fast is no reason to wait for long afterwards. */
const MOST_BYTES = 4 * DECENT * STEADY;
/** Milliseconds between two looks while a client is waited for. */
const LOOK_MS = 250;

/** A step that was waited for: what it brought, or that the client is too slow to be waited for any longer. */
export type Waited<T> = { readonly value: T } | 'slow';

/**
 * Tells whether work that holds a place waits for its client too much: for two seconds in all, either at less than 256 KiB/s
 * or while others wait for a place. What was long ago counts less and less. The time in which the client waits for
 * the work does not count.
 */
export class Flow {
  private readonly contended: () => boolean;
  private waited = 0;
  private bytes = MOST_BYTES;
  private readonly clock: Pick<Clock, 'monotonic'>;
  private at: number;

  /** @param contended true while others wait for a place */
  constructor(contended: () => boolean, clock: Pick<Clock, 'monotonic'>) {
    this.contended = contended;
    this.clock = clock;
    this.at = clock.monotonic();
  }

  get slow(): boolean {
    return this.waited >= WINDOW_MS && (this.bytes < DECENT * STEADY || this.contended());
  }

  /** True for a slow client that moves next to nothing. */
  get crawls(): boolean {
    return this.slow && this.bytes < CRAWL * STEADY;
  }

  /** Waits for a step as long as the client is not slow. The step goes on in any case. */
  async wait<T>(step: Promise<T>, bytesOf: (value: T) => number): Promise<Waited<T>> {
    this.work();
    let timer: NodeJS.Timeout | undefined;
    const look = new Promise<'slow'>((resolve) => {
      timer = setInterval(() => {
        this.wasWaitedFor();
        if (this.slow) resolve('slow');
      }, LOOK_MS);
    });
    try {
      const first = await Promise.race([step.then((value) => ({ value })), look]);
      this.wasWaitedFor();
      if (first !== 'slow') this.bytes = Math.min(MOST_BYTES, this.bytes + bytesOf(first.value));
      return first;
    } finally {
      clearInterval(timer);
    }
  }

  /** Waits for a step however slow the client is. */
  async bear<T>(step: Promise<T>, bytesOf: (value: T) => number): Promise<T> {
    this.work();
    const value = await step;
    this.wasWaitedFor();
    this.bytes = Math.min(MOST_BYTES, this.bytes + bytesOf(value));
    return value;
  }

  /** The time since the last look was spent on work. */
  private work(): void {
    this.elapsed();
  }

  /** The time since the last look was spent waiting for the client. */
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
