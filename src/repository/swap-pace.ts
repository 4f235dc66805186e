import type { Clock } from '../lib/clock.ts';
import type { SwapResult } from './swap.ts';

/** A swap is slow when it takes this many times as long as the fastest, and at least this many milliseconds longer. */
const SLOW_FACTOR = 3;
const SLOW_MS = 100;
const LONGEST_MS = 2_000;
/** After a swap that was not slow, the interval shrinks by this factor, to notice a store that has become faster. */
const EASE = 0.9;
/** A swap that waited and still took up to this part of the interval longer was only a little too early. */
const LITTLE = 0.4;
/** The number of slow swaps to ignore after an interval turned out not to explain them. */
const IGNORED = 16;

/**
 * Learns how soon after a swap a store accepts the next one of the same pointer. Some stores accept one write per
 * second of a key, and delay or refuse earlier writes. A batch that is closed too early would not travel sooner, and
 * would miss the changes that arrive while it waits: with one swap per second, every other batch would have one
 * change.
 *
 * There is no setting. A slow swap right after another shows the interval. If the next swap waits for the interval
 * and is slow all the same, there is no such interval: the store or this machine is slow for another reason, and
 * waiting would make it worse.
 */
export class SwapPace {
  private readonly clock: Clock;
  /** Milliseconds between swaps; 0 while the store has shown no interval. */
  private interval = 0;
  /** When the pointer was last known to be written. */
  private last: number | undefined;
  /** The shortest time a swap has taken. */
  private quickest = Number.POSITIVE_INFINITY;
  private ignored = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Milliseconds until the store probably accepts a swap. */
  get delay(): number {
    if (this.last === undefined || this.interval === 0) return 0;
    return Math.max(0, this.last + this.interval - this.clock.monotonic());
  }

  /** Runs a swap and learns from its duration. */
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

  /** Whether a swap was slow because it was sent only `after` milliseconds after the last one. */
  private showsInterval(took: number, after: number): boolean {
    if (this.ignored > 0) {
      this.ignored--;
      return false;
    }
    if (this.interval === 0) return after < took;
    // It had waited: it was a little too early, or the store is slow for another reason.
    const early = took < SLOW_MS + this.interval * LITTLE;
    if (!early) this.ignored = IGNORED;
    return early;
  }
}
