import type { Clock } from './clock.ts';

/** `perSecond` on average, and at most `burst` at once. */
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

  /** True when the bucket has so many tokens. An amount above `burst` needs a full bucket. */
  has(amount: number): boolean {
    this.fill();
    return this.tokens >= Math.min(amount, this.rate.burst);
  }

  /** Takes tokens. Call it only after {@link has}. */
  take(amount: number): void {
    this.tokens -= Math.min(amount, this.rate.burst);
  }

  /** How many tokens there are; 0 when more were charged than there were. */
  left(): number {
    this.fill();
    return Math.max(0, this.tokens);
  }

  /** How many tokens it holds when it is full. */
  get burst(): number {
    return this.rate.burst;
  }

  /** How many tokens are gone: more than `burst` when more were charged than there were. */
  used(): number {
    this.fill();
    return this.rate.burst - this.tokens;
  }

  /** Seconds until {@link has} is true for an amount. */
  secondsUntil(amount: number): number {
    this.fill();
    return Math.max(0, (Math.min(amount, this.rate.burst) - this.tokens) / this.rate.perSecond);
  }

  /** Takes tokens even if there are too few; a negative amount gives tokens back. */
  charge(amount: number): void {
    this.fill();
    this.tokens = Math.min(this.rate.burst, this.tokens - amount);
  }

  /** True when the bucket is as full as a new one. */
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

/** Takes tokens from all buckets, or from none if one has too few. */
export function takeFromAll(buckets: readonly TokenBucket[], amount: number): boolean {
  if (!buckets.every((bucket) => bucket.has(amount))) return false;
  for (const bucket of buckets) bucket.take(amount);
  return true;
}
