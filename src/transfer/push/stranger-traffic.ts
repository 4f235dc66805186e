import { callerAddress } from '../../lib/caller-address.ts';
import type { Clock } from '../../lib/clock.ts';
import type { CairnError } from '../../lib/errors.ts';
import { type Rate, TokenBucket, takeFromAll } from '../../lib/token-bucket.ts';
import type { Amount } from '../../repository/git/git-manifest.ts';
import { limitsOfOnePush, type StrangerLimits, waitingLimit } from './stranger-limits.ts';
import { beyondOnePush, beyondRepository, beyondTraffic, usedUp } from './used-up.ts';

/** The limits of one address, or of all together. */
interface Buckets {
  readonly pushes: TokenBucket;
  readonly refs: TokenBucket;
  readonly bytes: TokenBucket;
  readonly objects: TokenBucket;
}

/** An allowance that is reserved for one push. */
export interface StrangerAllowance extends Amount {
  /**
   * What a client is told whose pack is beyond it: which limit that is, and how much of it is used.
   * @param count of the pack; undefined where it is not known
   */
  beyond(kind: keyof Amount, count: number | undefined): string;
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
 * as one repository takes, and refs less than half of those that may wait in one; all together 16 times that. A refused push
 * counts with what it has sent and git has looked at.
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
    const tooMany = problemIn(own, refs, 'your address');
    if (tooMany !== undefined) throw tooMany;
    takeFromAll([this.all.pushes, own.pushes], 1);
    takeFromAll([this.all.refs, own.refs], refs);
  }

  /**
   * What {@link enter} would throw, without remembering anybody.
   * @param refs how many refs the push makes, or some of them
   */
  problemOf(address: string, refs: number): CairnError | undefined {
    const own = this.addresses.get(callerAddress(address));
    return (
      problemIn(this.all, refs, 'all addresses together') ??
      (own === undefined ? undefined : problemIn(own, refs, 'your address'))
    );
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
    const { all } = this;
    const one = limitsOfOnePush(this.limits);
    const amountOf = (kind: keyof Amount) =>
      Math.floor(Math.min(one[kind], most[kind], own[kind].left(), all[kind].left()));
    const reserved = { bytes: amountOf('bytes'), objects: amountOf('objects') };
    const charge = (amount: Amount) => {
      for (const { bytes, objects } of [own, all]) {
        bytes.charge(amount.bytes);
        objects.charge(amount.objects);
      }
    };
    charge(reserved);
    let settled = false;
    return {
      ...reserved,
      beyond: (kind, count) => this.beyond(kind, count, { own, most, reserved: reserved[kind] }),
      settle: (used) => {
        if (settled) return;
        settled = true;
        charge({ bytes: used.bytes - reserved.bytes, objects: used.objects - reserved.objects });
      },
    };
  }

  /** Why a pack has more than was reserved for it. What is reserved for it is not told as used. */
  private beyond(
    kind: keyof Amount,
    count: number | undefined,
    { own, most, reserved }: { readonly own: Buckets; readonly most: Amount; readonly reserved: number },
  ): string {
    const limit = this.limits[kind];
    const one = limitsOfOnePush(this.limits)[kind];
    if (reserved >= one || (count ?? 0) > one) return beyondOnePush(kind, one, count);
    if (reserved >= Math.floor(most[kind])) {
      return beyondRepository(kind, count, { used: limit - most[kind], limit });
    }
    const isOwn = own[kind].left() <= this.all[kind].left();
    const bucket = isOwn ? own[kind] : this.all[kind];
    return beyondTraffic(kind, count, isOwn ? 'your address' : 'all addresses together', {
      used: Math.max(0, bucket.used() - reserved),
      limit: bucket.burst,
      wait: bucket.secondsUntil((count ?? one) - reserved),
    });
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

function problemIn({ pushes, refs }: Buckets, made: number, who: string): CairnError | undefined {
  if (!pushes.has(1)) {
    const usage = { used: pushes.used(), limit: pushes.burst, wait: pushes.secondsUntil(1) };
    const note = ` (a refused one counts as ${1 + REFUSED})`;
    return usedUp(`pushes that ${who} may make without write access`, usage, note);
  }
  if (refs.has(made)) return undefined;
  const usage = { used: refs.used(), limit: refs.burst, wait: refs.secondsUntil(made) };
  return usedUp(`new refs that ${who} may push in ${REF_WAITS / 60} minutes without write access`, usage);
}
