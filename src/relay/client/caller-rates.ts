/** How much a client may ask of the relay per time, by connection and by address. */

import { callerAddress } from '../../lib/caller-address.ts';
import type { Clock } from '../../lib/clock.ts';
import { type Rate, TokenBucket } from '../../lib/token-bucket.ts';
import type { Listening } from './subscriptions.ts';

export interface CallerRates {
  readonly messages: Rate;
  readonly events: Rate;
  /** Limits for events that are to be stored. */
  readonly stored: { readonly events: Rate; readonly bytes: Rate };
}

/** A rate of so many per minute; all of them may come at once. */
export function perMinute(most: number): Rate {
  return { perSecond: most / 60, burst: most };
}

/** All connections from one address. */
export interface Caller {
  /** The address, or its substitute; see {@link callerAddress}. */
  readonly address: string;
  readonly messages: TokenBucket;
  readonly events: TokenBucket;
  readonly stored: { readonly events: TokenBucket; readonly bytes: TokenBucket };
  connections: number;
  /** What all these connections subscribe to. */
  readonly listening: Listening;
}

/** With so many callers remembered, those whose limits are full again are forgotten. */
const CALLERS_BEFORE_SWEEP = 10_000;

/** Callers by address. A caller is remembered while its limits are not full, so that reconnecting does not reset them. */
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

  /** How many connections are open from this address. */
  connectionsFrom(address: string): number {
    return this.callers.get(callerAddress(address))?.connections ?? 0;
  }

  /** Counts a new connection. When it ends, lower `connections` of the returned caller. */
  enter(address: string): Caller {
    const key = callerAddress(address);
    const known = this.callers.get(key);
    const caller = known ?? {
      address: key,
      messages: new TokenBucket(this.rates.messages, this.clock),
      events: new TokenBucket(this.rates.events, this.clock),
      stored: {
        events: new TokenBucket(this.rates.stored.events, this.clock),
        bytes: new TokenBucket(this.rates.stored.bytes, this.clock),
      },
      connections: 0,
      listening: { bytes: 0 },
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
      const { messages, events, stored } = caller;
      const buckets = [messages, events, stored.events, stored.bytes];
      if (caller.connections === 0 && buckets.every((bucket) => bucket.isFull())) {
        this.callers.delete(key);
      }
    }
    // Twice the number left, so that a sweep that removes little is not repeated at every connection.
    this.sweepAt = Math.max(CALLERS_BEFORE_SWEEP, 2 * this.callers.size);
  }
}
