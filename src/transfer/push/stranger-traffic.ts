import { callerAddress } from '../../lib/caller-address.ts';
import type { Clock } from '../../lib/clock.ts';
import { CairnError } from '../../lib/errors.ts';
import { type Rate, TokenBucket, takeFromAll } from '../../lib/token-bucket.ts';
import type { Amount } from '../../repository/git/git-manifest.ts';
import { limitsOfOnePush, type StrangerLimits, waitingLimit } from './stranger-limits.ts';

/** The limits of one address, or of all together. */
interface Buckets {
  readonly pushes: TokenBucket;
  readonly refs: TokenBucket;
  readonly bytes: TokenBucket;
  readonly objects: TokenBucket;
}

/** An allowance that is reserved for one push. */
export interface StrangerAllowance extends Amount {
  /** Returns the unused part. @param used what was received; more than was reserved is charged, too */
  settle(used: Amount): void;
}

const HOUR = 60 * 60;
/** Seconds until the rate limit for refs of one address is full again: about as long as a ref waits for its event. */
const REF_WAITS = 20 * 60;
/** Pushes of one address: at once, and per second. */
const PUSHES: Rate = { burst: 120, perSecond: 0.5 };
/** A refused push counts as this many more pushes, so that repeated refusals use up the allowance. */
const REFUSED = 2;
/** All addresses together may push this many times as much as one. */
const ALL = 16;
/** Number of remembered addresses above which idle ones are removed. */
const REMEMBERED = 10_000;

/**
 * Limits what strangers push through this server, by network address and in total. In an hour, one address may push as much
 * as one repository takes, and refs less than half of those that may wait in one; all together 16 times that. Refused pushes
 * count as well: they were received, and git has checked them.
 */
export class StrangerTraffic {
  private readonly limits: StrangerLimits;
  private readonly clock: Clock;
  private readonly all: Buckets;
  private readonly addresses = new Map<string, Buckets>();
  private sweepAt = REMEMBERED;

  constructor(limits: StrangerLimits, clock: Clock) {
    this.limits = limits;
    this.clock = clock;
    this.all = this.buckets(ALL);
  }

  /** Number of remembered addresses. */
  get remembered(): number {
    return this.addresses.size;
  }

  /**
   * Counts a push, once its commands are known.
   * @param refs how many refs it creates
   * @throws CairnError `busy` if the address, or all together, have pushed too much
   */
  enter(address: string, refs: number): void {
    // An address is remembered only for a push that all together may make.
    const problem = this.problemOf(address, refs);
    if (problem !== undefined) throw problem;
    const own = this.of(address);
    if (!isWithin(own, refs)) throw tooMuch('your address pushes');
    takeFromAll([this.all.pushes, own.pushes], 1);
    takeFromAll([this.all.refs, own.refs], refs);
  }

  /**
   * What {@link enter} would throw, without remembering anybody.
   * @param refs how many refs the push makes, or some of them
   */
  problemOf(address: string, refs: number): CairnError | undefined {
    if (!isWithin(this.all, refs)) return tooMuch('strangers push');
    const own = this.addresses.get(callerAddress(address));
    return own === undefined || isWithin(own, refs) ? undefined : tooMuch('your address pushes');
  }

  /** Counts that a push was refused, whatever for. Others do not pay for it. */
  refused(address: string): void {
    this.of(address).pushes.charge(REFUSED);
  }

  /**
   * Reserves an allowance for a push: the limit of one push, or what is left.
   * @param most what the repository still allows
   */
  reserve(address: string, most: Amount): StrangerAllowance {
    const own = this.of(address);
    const one = limitsOfOnePush(this.limits);
    const bytes = Math.floor(Math.min(one.bytes, most.bytes, own.bytes.left(), this.all.bytes.left()));
    const objects = Math.floor(
      Math.min(one.objects, most.objects, own.objects.left(), this.all.objects.left()),
    );
    const charge = (amount: Amount) => {
      for (const { bytes: taken, objects: counted } of [own, this.all]) {
        taken.charge(amount.bytes);
        counted.charge(amount.objects);
      }
    };
    charge({ bytes, objects });
    let settled = false;
    const settle = (used: Amount) => {
      if (settled) return;
      settled = true;
      charge({ bytes: used.bytes - bytes, objects: used.objects - objects });
    };
    return { bytes, objects, settle };
  }

  private of(address: string): Buckets {
    const key = callerAddress(address);
    const known = this.addresses.get(key);
    if (known !== undefined) return known;
    if (this.addresses.size >= this.sweepAt) this.sweep();
    const made = this.buckets(1);
    this.addresses.set(key, made);
    return made;
  }

  private buckets(times: number): Buckets {
    const { limits } = this;
    // Two fifths of the refs that may wait in a repository: one address alone cannot keep all others from pushing theirs.
    const refs = Math.max(1, Math.floor((waitingLimit(limits) * 2) / 5));
    const bucket = (burst: number, seconds: number) =>
      new TokenBucket({ burst: burst * times, perSecond: (burst * times) / seconds }, this.clock);
    return {
      pushes: bucket(PUSHES.burst, PUSHES.burst / PUSHES.perSecond),
      refs: bucket(refs, REF_WAITS),
      bytes: bucket(limits.bytes, HOUR),
      objects: bucket(limits.objects, HOUR),
    };
  }

  private sweep(): void {
    for (const [key, { pushes, refs, bytes, objects }] of this.addresses) {
      const idle = pushes.isFull() && refs.isFull() && bytes.isFull() && objects.isFull();
      if (idle) this.addresses.delete(key);
    }
    this.sweepAt = Math.max(REMEMBERED, 2 * this.addresses.size);
  }
}

function isWithin({ pushes, refs }: Buckets, made: number): boolean {
  return pushes.has(1) && refs.has(made);
}

function tooMuch(who: string): CairnError {
  return new CairnError(
    'busy',
    `${who} more than this server takes without a key that may write here: try again in some minutes`,
  );
}
