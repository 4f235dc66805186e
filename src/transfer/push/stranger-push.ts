import { commandKind, type ReceivedCommand } from '../../git/index.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Amount, GitState } from '../../repository/git/git-manifest.ts';
import type { AllowedPack } from '../../repository/intake/pack-bounds.ts';
import { FairSemaphore } from '../fair-semaphore.ts';
import type { RequestBody } from '../request-body.ts';
import { hasRefFor, type StrangerTerms } from './pull-request-rules.ts';
import { RefusalPauses } from './refusal-pauses.ts';
import { allowanceLeft, limitsOfOnePush, type StrangerLimits } from './stranger-limits.ts';
import { type StrangerAllowance, StrangerTraffic } from './stranger-traffic.ts';
import { UnpackTime } from './unpack-time.ts';

/** What the pushes of strangers share in one server: they never take the places of others. */
export interface StrangerPushes {
  readonly places: FairSemaphore;
  readonly traffic: StrangerTraffic;
  /** Who is turned away waits for a moment. */
  readonly pauses: RefusalPauses;
}

/** Bytes of a push that are read and dropped, so that its user gets to read the reason, beyond those that are taken. */
const DROPPED_BYTES = 2 ** 30;

/** Bounds what is read of a stranger's push. @param limits undefined where strangers may push nothing */
export function capOfStranger(body: RequestBody, limits: StrangerLimits | undefined): void {
  body.cap((limits === undefined ? 0 : limitsOfOnePush(limits).bytes) + DROPPED_BYTES);
}

/** For each place of strangers: pushes that may wait for it. */
const WAITING = 8;

/**
 * What pushes share that are bounded by network address.
 * @param limits undefined where strangers may push nothing
 */
export function boundedPushes(
  limits: (StrangerLimits & { readonly places: number }) | undefined,
  clock: Clock,
): { readonly unpackTime: UnpackTime; readonly strangerPushes?: StrangerPushes } {
  const unpackTime = new UnpackTime(clock);
  if (limits === undefined) return { unpackTime };
  const places = new FairSemaphore(limits.places, limits.places * WAITING);
  const traffic = new StrangerTraffic(limits, clock);
  return { unpackTime, strangerPushes: { places, traffic, pauses: new RefusalPauses(clock) } };
}

export interface StrangerPushOptions extends StrangerPushes {
  readonly address: string;
  readonly commands: readonly ReceivedCommand[];
  readonly limits: StrangerLimits;
  /** Seconds. */
  readonly now: number;
  /** The state the push is taken in on. */
  readonly state: GitState;
}

/** One push by somebody without a right of their own, and what bounds it while it is taken in. */
export class StrangerPush {
  private readonly options: StrangerPushOptions;
  private allowance: StrangerAllowance | undefined;

  /** @returns undefined where strangers may push nothing, or there is nothing to push to */
  static of(
    pushes: StrangerPushes | undefined,
    { limits, now }: StrangerTerms,
    push: Pick<StrangerPushOptions, 'address' | 'commands'>,
    state: GitState | undefined,
  ): StrangerPush | undefined {
    if (pushes === undefined || limits === undefined || state === undefined) return undefined;
    return new StrangerPush({ ...pushes, ...push, limits, now, state });
  }

  private constructor(options: StrangerPushOptions) {
    this.options = options;
  }

  /** Counts the push. @throws CairnError `busy` when its address, or all strangers together, push too much */
  enter(): void {
    const { traffic, address, commands } = this.options;
    traffic.enter(address, commands.filter((command) => commandKind(command) === 'create').length);
  }

  /** Counts that it was refused. */
  refused(): void {
    this.options.traffic.refused(this.options.address);
  }

  /** The places that strangers have. */
  get places(): FairSemaphore {
    return this.options.places;
  }

  /** By which name it claims one of them. They are shared out by address, so that one never has them all. */
  get claimant(): string {
    return this.options.address;
  }

  /**
   * What the pack may take: set aside for it, until {@link leave}.
   * @returns no objects at all when the repository or the address has no allowance left; a push of refs alone goes on
   */
  setAside(): AllowedPack {
    const { traffic, address, limits, now, state } = this.options;
    const left = allowanceLeft(limits, state.strangers, hasRefFor(state), now);
    this.allowance = traffic.setAside(address, left);
    const { bytes, objects } = this.allowance;
    // To git, no bytes at all mean no limit.
    const { object = Number.POSITIVE_INFINITY } = limits;
    return bytes > 0 ? { bytes, objects, object } : { bytes: 1, objects: 0, object };
  }

  /** Told what the pack has taken, once it has been taken in. What was refused counts for all that was set aside. */
  took(amount: Amount): void {
    this.allowance?.settle(amount);
  }

  /** The push is over. */
  leave(): void {
    this.allowance?.settle(this.allowance);
  }
}
