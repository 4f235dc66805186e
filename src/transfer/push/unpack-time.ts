import { callerAddress } from '../../lib/caller-address.ts';
import { CallerBuckets } from '../../lib/caller-buckets.ts';
import type { Clock } from '../../lib/clock.ts';
import type { CairnError } from '../../lib/errors.ts';
import type { Rate } from '../../lib/token-bucket.ts';
import { usedUp } from './used-up.ts';

/** How many seconds git may work on the packs of one address: at once, and per second. */
const SECONDS: Rate = { burst: 120, perSecond: 0.2 };
/** The first seconds of a pack that exceeds a bound are free for a writer. git notices most such packs sooner. */
const FREE = 1;

/** Charges the time of one push to its address. */
export interface UnpackAccount {
  /** Call it before git is started. @throws CairnError `busy` when the address has used up its time */
  check(): void;
  /** Tells how many seconds git, or this server itself, has worked on the pack since the last call. */
  worked(seconds: number): void;
  /** Tells that the pack was refused because it exceeds a bound. */
  exceeded(): void;
}

/**
 * Limits the time that git works on packs, by the network address that they come from. A stranger is charged for every pack. A
 * writer is charged only for a pack that exceeds a bound, if git has worked on it for long.
 */
export class UnpackTime {
  private readonly addresses: CallerBuckets;

  constructor(clock: Clock) {
    this.addresses = new CallerBuckets(SECONDS, clock);
  }

  /** Number of remembered addresses. */
  get remembered(): number {
    return this.addresses.remembered;
  }

  /** The error for strangers from an address that has used up its time; undefined while it has some left. */
  problemOf(address: string): CairnError | undefined {
    return this.problem(keyOf(address, true));
  }

  /**
   * Opens the account of one push.
   * @param isStranger true if the sender has no right to write
   */
  account(address: string, isStranger: boolean): UnpackAccount {
    const key = keyOf(address, isStranger);
    let [worked, charged] = [0, 0];
    const chargeUpTo = (seconds: number) => {
      if (seconds <= charged) return;
      this.addresses.of(key).charge(seconds - charged);
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
    const bucket = this.addresses.known(key);
    if (bucket === undefined || bucket.left() > 0) return undefined;
    const usage = { used: bucket.used(), limit: bucket.burst, wait: bucket.secondsUntil(1) };
    return usedUp('seconds of work on packs from your address', usage);
  }
}

/** Writers have time of their own: strangers who share the address do not use it up. */
function keyOf(address: string, isStranger: boolean): string {
  return `${isStranger ? 'stranger' : 'writer'} ${callerAddress(address)}`;
}
