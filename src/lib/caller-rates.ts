import type { Clock } from './clock.ts';
import { type Rate, TokenBucket } from './token-bucket.ts';

/** With so many callers remembered, those whose buckets are full again are forgotten. */
const CALLERS_BEFORE_SWEEP = 10_000;

/**
 * A rate for each caller, and one for all of them together. A caller is remembered while its bucket is not full. The rate for
 * all bounds how many are remembered.
 */
export class CallerRates {
  private readonly each: Rate;
  private readonly all: TokenBucket;
  private readonly clock: Clock;
  private readonly buckets = new Map<string, TokenBucket>();
  private sweepAt = CALLERS_BEFORE_SWEEP;

  constructor(rates: { readonly each: Rate; readonly all: Rate }, clock: Clock) {
    this.each = rates.each;
    this.all = new TokenBucket(rates.all, clock);
    this.clock = clock;
  }

  /** How many callers are remembered. */
  get remembered(): number {
    return this.buckets.size;
  }

  /**
   * Takes one from the rates.
   * @param caller a network address, or what stands for it
   * @returns false when the caller, or all together, have asked too often; nothing is taken then
   */
  take(caller: string): boolean {
    const bucket = this.buckets.get(caller) ?? new TokenBucket(this.each, this.clock);
    if (!bucket.has(1) || !this.all.has(1)) return false;
    if (!this.buckets.has(caller)) {
      if (this.buckets.size >= this.sweepAt) this.sweep();
      this.buckets.set(caller, bucket);
    }
    bucket.take(1);
    this.all.take(1);
    return true;
  }

  private sweep(): void {
    for (const [caller, bucket] of this.buckets) {
      if (bucket.isFull()) this.buckets.delete(caller);
    }
    // Twice the number left, so that a sweep that removes little is not repeated at every call.
    this.sweepAt = Math.max(CALLERS_BEFORE_SWEEP, 2 * this.buckets.size);
  }
}
