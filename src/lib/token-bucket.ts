import type { Clock } from './clock.ts';

/** So many in each second on average, and at most `burst` at once. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Holds up to `burst` tokens, begins full, and gains `perSecond` of them each second. */
export class TokenBucket {
  private readonly rate: Rate;
  private readonly clock: Clock;
  private tokens: number;
  private filledAt: number;

  constructor(rate: Rate, clock: Clock) {
    this.rate = rate;
    this.clock = clock;
    this.tokens = rate.burst;
    this.filledAt = clock.monotonic();
  }

  /** True when so many tokens are there; what costs more than the bucket can ever hold needs a full one. */
  has(amount: number): boolean {
    this.fill();
    return this.tokens >= Math.min(amount, this.rate.burst);
  }

  /** Takes tokens out. To be called after {@link has} only. */
  take(amount: number): void {
    this.tokens -= Math.min(amount, this.rate.burst);
  }

  /** Tokens that are there; 0 when more was charged than there were. */
  left(): number {
    this.fill();
    return Math.max(0, this.tokens);
  }

  /** Takes tokens out whether they are there or not; a negative amount puts them back. */
  charge(amount: number): void {
    this.fill();
    this.tokens = Math.min(this.rate.burst, this.tokens - amount);
  }

  /** True when nothing was taken for so long that a new bucket would be the same. */
  isFull(): boolean {
    return this.has(this.rate.burst);
  }

  private fill(): void {
    const now = this.clock.monotonic();
    const gained = ((now - this.filledAt) / 1000) * this.rate.perSecond;
    this.tokens = Math.min(this.rate.burst, this.tokens + gained);
    this.filledAt = now;
  }
}

/** Takes tokens from all buckets, or from none of them when one has too few. */
export function takeFromAll(buckets: readonly TokenBucket[], amount: number): boolean {
  if (!buckets.every((bucket) => bucket.has(amount))) return false;
  for (const bucket of buckets) bucket.take(amount);
  return true;
}
