/** How much a client may ask of the relay in a time, by connection and by the address it comes from. */

import { callerAddress } from '../../lib/caller-address.ts';
import type { Clock } from '../../lib/clock.ts';
import { type Rate, TokenBucket } from '../../lib/token-bucket.ts';
import type { Listening } from './subscriptions.ts';

export interface CallerRates {
  readonly messages: Rate;
  readonly events: Rate;
  /** Of events that are to be stored. */
  readonly stored: { readonly events: Rate; readonly bytes: Rate };
}

/** So many in a minute, all at once if that is how they come. */
export function perMinute(most: number): Rate {
  return { perSecond: most / 60, burst: most };
}

/** All connections from one address. */
export interface Caller {
  /** What stands for it; see {@link callerAddress}. */
  readonly address: string;
  readonly messages: TokenBucket;
  readonly events: TokenBucket;
  readonly stored: { readonly events: TokenBucket; readonly bytes: TokenBucket };
  connections: number;
  /** What all of them listen to. */
  readonly listening: Listening;
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
    // Twice what is left: a sweep that finds little is not repeated at every connection.
    this.sweepAt = Math.max(CALLERS_BEFORE_SWEEP, 2 * this.callers.size);
  }
}
