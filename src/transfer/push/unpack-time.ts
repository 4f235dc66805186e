import { callerAddress } from '../../lib/caller-address.ts';
import type { Clock } from '../../lib/clock.ts';
import type { CairnError } from '../../lib/errors.ts';
import { type Rate, TokenBucket } from '../../lib/token-bucket.ts';
import { usedUp } from './used-up.ts';

/** Seconds of git for the packs of one address: at once, and per second. */
const SECONDS: Rate = { burst: 120, perSecond: 0.2 };
/** A writer is not charged for this many seconds of a pack beyond a bound. git notices most such packs sooner. */
const FREE = 1;
/** Addresses remembered. Beyond this many, those whose time is whole again are forgotten. */
const REMEMBERED = 10_000;

/** What one push takes of the time of its address. */
export interface UnpackAccount {
  /** Call it before git is started. @throws CairnError `busy` when the packs of the address have taken too much time */
  check(): void;
  /** Git, or this server itself, has worked on the pack for so many seconds. */
  worked(seconds: number): void;
  /** The pack was refused because it is beyond a bound. */
  exceeded(): void;
}

/**
 * The time that git works on packs, by the network address that they come from. A stranger pays for every pack, whoever may write
 * only for one that was worked on for long before it turned out to be beyond a bound.
 */
export class UnpackTime {
  private readonly clock: Clock;
  private readonly addresses = new Map<string, TokenBucket>();
  private sweepAt = REMEMBERED;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Addresses that are remembered. */
  get remembered(): number {
    return this.addresses.size;
  }

  /** @returns what strangers from an address are told whose packs have taken too much time; undefined when they have not */
  problemOf(address: string): CairnError | undefined {
    return this.problem(keyOf(address, true));
  }

  /** @param isStranger true for a push by somebody without a right of their own */
  account(address: string, isStranger: boolean): UnpackAccount {
    const key = keyOf(address, isStranger);
    let [worked, charged] = [0, 0];
    const chargeUpTo = (seconds: number) => {
      if (seconds <= charged) return;
      this.of(key).charge(seconds - charged);
      charged = seconds;
    };
    return {
      check: () => {
        const problem = this.problem(key);
        if (problem !== undefined) throw problem;
      },
      worked: (seconds) => {
        worked += seconds;
        if (isStranger) chargeUpTo(worked);
      },
      exceeded: () => {
        if (!isStranger) chargeUpTo(worked - FREE);
      },
    };
  }

  private problem(key: string): CairnError | undefined {
    const bucket = this.addresses.get(key);
    if (bucket === undefined || bucket.left() > 0) return undefined;
    const usage = { used: bucket.used(), limit: bucket.burst, wait: bucket.secondsUntil(1) };
    return usedUp('seconds of work on packs from your address', usage);
  }

  private of(key: string): TokenBucket {
    const known = this.addresses.get(key);
    if (known !== undefined) return known;
    if (this.addresses.size >= this.sweepAt) this.sweep();
    const made = new TokenBucket(SECONDS, this.clock);
    this.addresses.set(key, made);
    return made;
  }

  private sweep(): void {
    for (const [key, bucket] of this.addresses) if (bucket.isFull()) this.addresses.delete(key);
    this.sweepAt = Math.max(REMEMBERED, 2 * this.addresses.size);
  }
}

/** Whoever may write has time of their own: strangers who share the address do not use it up. */
function keyOf(address: string, isStranger: boolean): string {
  return `${isStranger ? 'stranger' : 'writer'} ${callerAddress(address)}`;
}
