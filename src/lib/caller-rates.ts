import { CallerBuckets } from './caller-buckets.ts';
import type { Clock } from './clock.ts';
import { type Rate, TokenBucket } from './token-bucket.ts';

/** A rate for each caller, and one for all of them together, which bounds how many are remembered. */
export class CallerRates {
  private readonly each: CallerBuckets;
  private readonly all: TokenBucket;

  constructor(rates: { readonly each: Rate; readonly all: Rate }, clock: Clock) {
    this.each = new CallerBuckets(rates.each, clock);
    this.all = new TokenBucket(rates.all, clock);
  }

  /** How many callers are remembered. */
  get remembered(): number {
    return this.each.remembered;
  }

  /**
   * Takes one from the rates.
   * @param caller a network address, or what stands for it
   * @returns false when the caller, or all together, have asked too often; nothing is taken then
   */
  take(caller: string): boolean {
    if (this.each.known(caller)?.has(1) === false || !this.all.has(1)) return false;
    this.each.of(caller).take(1);
    this.all.take(1);
    return true;
  }
}
