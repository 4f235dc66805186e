import type { Clock } from './clock.ts';
import { type Rate, TokenBucket } from './token-bucket.ts';

/** With so many callers remembered, those whose buckets are full again are forgotten. */
const CALLERS_BEFORE_SWEEP = 10_000;

/** A bucket for each caller: a network address, or what stands for it. A caller is remembered while its bucket is not full. */
export class CallerBuckets {
  private readonly rate: Rate;
  private readonly clock: Clock;
  private readonly buckets = new Map<string, TokenBucket>();
  private sweepAt = CALLERS_BEFORE_SWEEP;

  constructor(rate: Rate, clock: Clock) {
    this.rate = rate;
    this.clock = clock;
  }

  /** How many callers are remembered. */
  get remembered(): number {
    return this.buckets.size;
  }

  /** The bucket of a caller; undefined if nothing has been taken from it. */
  known(caller: string): TokenBucket | undefined {
    return this.buckets.get(caller);
  }

  /** The bucket of a caller, to take from it. */
  of(caller: string): TokenBucket {
    const known = this.buckets.get(caller);
    if (known !== undefined) return known;
    if (this.buckets.size >= this.sweepAt) this.sweep();
    const made = new TokenBucket(this.rate, this.clock);
    this.buckets.set(caller, made);
    return made;
  }

  private sweep(): void {
    for (const [caller, bucket] of this.buckets) if (bucket.isFull()) this.buckets.delete(caller);
    // Twice the number left, so that a sweep that removes little is not repeated at every call.
    this.sweepAt = Math.max(CALLERS_BEFORE_SWEEP, 2 * this.buckets.size);
  }
}
