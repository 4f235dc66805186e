import type { Clock } from '../lib/clock.ts';
import type { SwapResult } from './swap.ts';

/** A swap is slow when it takes so many times as long as the quickest, and at least so many milliseconds longer. */
const SLOW_FACTOR = 3;
const SLOW_MS = 100;
const LONGEST_MS = 2_000;
/** After a swap that was not slow the next may come a little earlier: so a store that has become quicker is noticed. */
const EASE = 0.9;

/**
 * How soon after a swap a store takes the next one of the same pointer. Some write a key once a second, and let earlier
 * writes wait or refuse them. A batch sealed before its time would travel no sooner, but without the changes that come
 * while it waits: with one swap a second that made every other batch a batch of one.
 *
 * Nothing is configured: a swap that was slow right after another shows the interval.
 */
export class SwapPace {
  private readonly clock: Clock;
  /** Milliseconds between swaps; 0 while the store has shown no such thing. */
  private interval = 0;
  /** When the pointer was last known to have been written. */
  private last: number | undefined;
  /** The shortest time a swap has taken. */
  private quickest = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Milliseconds until the store is likely to take a swap. */
  get delay(): number {
    if (this.last === undefined || this.interval === 0) return 0;
    return Math.max(0, this.last + this.interval - this.clock.monotonic());
  }

  /** Makes a swap and learns from how long it takes. */
  async watch(swap: () => Promise<SwapResult>): Promise<SwapResult> {
    const sent = this.clock.monotonic();
    const result = await swap();
    if (result.swap !== 'unknown') this.learn(sent, this.clock.monotonic());
    return result;
  }

  private learn(sent: number, answered: number): void {
    const took = answered - sent;
    const { last } = this;
    this.last = answered;
    const slow = took > Math.max(this.quickest * SLOW_FACTOR, this.quickest + SLOW_MS);
    this.quickest = Math.min(this.quickest, took);
    if (!slow) {
      this.interval = this.interval * EASE < SLOW_MS ? 0 : this.interval * EASE;
      return;
    }
    // One that was sent late enough is slow for another reason.
    if (last !== undefined && sent - last < Math.max(this.interval, LONGEST_MS / 2)) {
      this.interval = Math.min(LONGEST_MS, answered - last);
    }
  }
}
