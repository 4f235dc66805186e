/** How much a client may ask of the relay in a time, by connection and by the address it comes from. */
import { isIPv6 } from 'node:net';
import type { Clock } from '../lib/clock.ts';

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

export interface CallerRates {
  readonly messages: Rate;
  readonly events: Rate;
}

/** All connections from one address. */
export interface Caller {
  readonly messages: TokenBucket;
  readonly events: TokenBucket;
  connections: number;
}

/** How many callers are remembered before those that have nothing left to remember are forgotten. */
const CALLERS_BEFORE_SWEEP = 10_000;

/** Who calls, by address. A caller is remembered for as long as it matters, so that coming back is no way around a limit. */
export class Callers {
  private readonly rates: CallerRates;
  private readonly clock: Clock;
  private readonly callers = new Map<string, Caller>();
  private sweepAt = CALLERS_BEFORE_SWEEP;

  constructor(rates: CallerRates, clock: Clock) {
    this.rates = rates;
    this.clock = clock;
  }

  get remembered(): number {
    return this.callers.size;
  }

  /** Connections that are open from where this address belongs to. */
  connectionsFrom(address: string): number {
    return this.callers.get(callerAddress(address))?.connections ?? 0;
  }

  /** To be called for each new connection; its end is told by lowering `connections` of what is returned. */
  enter(address: string): Caller {
    const key = callerAddress(address);
    const known = this.callers.get(key);
    const caller = known ?? {
      messages: new TokenBucket(this.rates.messages, this.clock),
      events: new TokenBucket(this.rates.events, this.clock),
      connections: 0,
    };
    caller.connections++;
    if (known === undefined) {
      if (this.callers.size >= this.sweepAt) this.sweep();
      this.callers.set(key, caller);
    }
    return caller;
  }

  private sweep(): void {
    for (const [key, caller] of this.callers) {
      if (caller.connections === 0 && caller.messages.isFull() && caller.events.isFull()) {
        this.callers.delete(key);
      }
    }
    // Twice what is left: a sweep that finds little is not repeated at every connection.
    this.sweepAt = Math.max(CALLERS_BEFORE_SWEEP, 2 * this.callers.size);
  }
}

/**
 * What stands for one caller: an IPv4 address, or the first 64 bits of an IPv6 one, since whoever has one of those
 * addresses has all 2⁶⁴ that begin like it.
 */
export function callerAddress(address: string): string {
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [front = '', back] = (address.split('%')[0] ?? '').split('::');
  const first = groupsOf(front);
  const last = groupsOf(back ?? '');
  const gap = back === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  const groups = [...first, ...new Array<string>(gap).fill('0'), ...last];
  return `${groups.slice(0, 4).join(':')}::/64`;
}

function groupsOf(text: string): string[] {
  if (text === '') return [];
  return text.split(':').map((group) => Number.parseInt(group, 16).toString(16));
}
