import { CallerBuckets } from '../lib/caller-buckets.ts';
import type { Clock } from '../lib/clock.ts';
import type { Rate } from '../lib/token-bucket.ts';

/**
 * Seconds that a server works on pages for one address: at once, and per second. A person needs a few seconds in an hour. A
 * crawler that reads every page gets a quarter of a processor after two minutes.
 */
const SECONDS: Rate = { burst: 120, perSecond: 0.25 };
/** Seconds that a page takes which is kept, and any other answer at least. */
const LEAST = 0.001;

/** Limits the work that pages make, by the network address of the visitor. */
export class PageTraffic {
  private readonly callers: CallerBuckets;

  constructor(clock: Clock) {
    this.callers = new CallerBuckets(SECONDS, clock);
  }

  /**
   * Asks for a page to be answered, and charges the least that it takes.
   * @param caller a network address
   * @returns 0, or whole seconds after which to ask again
   */
  admit(caller: string): number {
    const bucket = this.callers.known(caller);
    if (bucket !== undefined && !bucket.has(LEAST)) return Math.ceil(bucket.secondsUntil(1));
    this.callers.of(caller).take(LEAST);
    return 0;
  }

  /** Charges what an answer took. @param seconds of work, without the time for which it waited */
  charge(caller: string, seconds: number): void {
    this.callers.of(caller).charge(seconds);
  }
}
