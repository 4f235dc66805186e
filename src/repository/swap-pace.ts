import type { Clock } from '../lib/clock.ts';
import type { SwapResult } from './swap.ts';

/** A swap is slow when it takes so many times as long as the quickest, and at least so many milliseconds longer. */
const SLOW_FACTOR = 3;
const SLOW_MS = 100;
const LONGEST_MS = 2_000;
/** After a swap that was not slow the next may come a little earlier: so a store that has become quicker is noticed. */
const EASE = 0.9;
/** The part of the interval by which that may have been too early. */
const LITTLE = 0.4;
/** Slow swaps that are not asked for an interval, after one was found that explained nothing. */
const IGNORED = 16;

/**
 * How soon after a swap a store takes the next one of the same pointer. Some write a key once a second, and let earlier
 * writes wait or refuse them. A batch sealed before its time would travel no sooner, but without the changes that come
 * while it waits: with one swap a second that made every other batch a batch of one.
 *
 * Nothing is configured: a swap that was slow right after another shows the interval. If the next one, which waits for it, is slow
 * all the same, there is no such interval: the store, or this machine, is slow for another reason, and waiting would make it worse.
 */
export class SwapPace {
  private readonly clock: Clock;
  /** Milliseconds between swaps; 0 while the store has shown no such thing. */
  private interval = 0;
  /** When the pointer was last known to have been written. */
  private last: number | undefined;
  /** The shortest time a swap has taken. */
  private quickest = Number.POSITIVE_INFINITY;
  private ignored = 0;

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
    } else if (last !== undefined && this.showsInterval(took, sent - last)) {
      this.interval = Math.min(LONGEST_MS, answered - last);
    } else {
      this.interval = 0;
    }
  }

  /** Whether a slow swap was slow because it was sent so soon, `after` milliseconds after the last. */
  private showsInterval(took: number, after: number): boolean {
    if (this.ignored > 0) {
      this.ignored--;
      return false;
    }
    if (this.interval === 0) return after < took;
    // It had waited: it came a little too early, or the store is slow for another reason.
    const early = took < SLOW_MS + this.interval * LITTLE;
    if (!early) this.ignored = IGNORED;
    return early;
  }
}
