import { commandKind, type ReceivedCommand } from '../../git/index.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Amount, GitState } from '../../repository/git/git-manifest.ts';
import type { AllowedPack } from '../../repository/intake/bounds/pack-bounds.ts';
import { FairSemaphore } from '../fair-semaphore.ts';
import type { RequestBody } from '../request-body.ts';
import { hasRefFor, type StrangerTerms } from './pull-request-rules.ts';
import { RefusalPauses } from './refusal-pauses.ts';
import { allowanceLeft, limitsOfOnePush, type StrangerLimits } from './stranger-limits.ts';
import { type StrangerAllowance, StrangerTraffic } from './stranger-traffic.ts';
import { UnpackTime } from './unpack-time.ts';

/** The resources for pushes of strangers in one server: they never use the slots of others. */
export interface StrangerPushes {
  readonly slots: FairSemaphore;
  readonly traffic: StrangerTraffic;
  /** Who is turned away waits for a moment. */
  readonly pauses: RefusalPauses;
}

/** Bytes beyond the limit that are still read and dropped, so that the client reads the reason. */
const DROPPED_BYTES = 2 ** 30;

/** Bounds how much of a stranger's push is read. @param limits undefined if strangers may not push */
export function capStrangerBody(body: RequestBody, limits: StrangerLimits | undefined): void {
  body.cap((limits === undefined ? 0 : limitsOfOnePush(limits).bytes) + DROPPED_BYTES);
}

/** Pushes that may wait, for each slot of strangers. */
const WAITING = 8;

/**
 * What pushes share that are bounded by network address.
 * @param limits undefined where strangers may push nothing
 */
export function boundedPushes(
  limits: (StrangerLimits & { readonly slots: number }) | undefined,
  clock: Clock,
): { readonly unpackTime: UnpackTime; readonly strangerPushes?: StrangerPushes } {
  const unpackTime = new UnpackTime(clock);
  if (limits === undefined) return { unpackTime };
  const slots = new FairSemaphore(limits.slots, limits.slots * WAITING);
  const traffic = new StrangerTraffic(limits, clock);
  return { unpackTime, strangerPushes: { slots, traffic, pauses: new RefusalPauses(clock) } };
}

export interface StrangerPushOptions extends StrangerPushes {
  readonly address: string;
  readonly commands: readonly ReceivedCommand[];
  readonly limits: StrangerLimits;
  /** Seconds since the epoch. */
  readonly now: number;
  /** The published state when the pack is taken in. */
  readonly state: GitState;
  readonly body: RequestBody;
}

/** The smallest entry of a pack has a byte of header and 8 of compressed content. */
const LEAST_ENTRY = 9;

/** One push by a stranger, and its limits while it is received. */
export class StrangerPush {
  private readonly options: StrangerPushOptions;
  private allowance: StrangerAllowance | undefined;
  /** Objects that git was given, at the most. */
  private given = 0;

  /** @returns undefined if strangers may not push, or there is no repository */
  static of(
    pushes: StrangerPushes | undefined,
    { limits, now }: StrangerTerms,
    push: Pick<StrangerPushOptions, 'address' | 'commands' | 'body'>,
    state: GitState | undefined,
  ): StrangerPush | undefined {
    if (pushes === undefined || limits === undefined || state === undefined) return undefined;
    return new StrangerPush({ ...pushes, ...push, limits, now, state });
  }

  private constructor(options: StrangerPushOptions) {
    this.options = options;
  }

  /** Counts the push. @throws CairnError `busy` if its address, or all strangers together, push too much */
  enter(): void {
    const { traffic, address, commands } = this.options;
    traffic.enter(address, commands.filter((command) => commandKind(command) === 'create').length);
  }

  /** Counts that it was refused. */
  refused(): void {
    this.options.traffic.refused(this.options.address);
  }

  /** The slots for strangers. */
  get slots(): FairSemaphore {
    return this.options.slots;
  }

  /** The name under which it claims a slot. Slots are shared out by address, so that one address never holds all. */
  get claimant(): string {
    return this.options.address;
  }

  /**
   * Reserves an allowance for the pack until {@link leave}.
   * @returns no objects if the repository or the address has no allowance left; a push without a pack can still go on
   */
  reserve(): AllowedPack {
    const { traffic, address, limits, now, state } = this.options;
    const left = allowanceLeft(limits, state.strangers, hasRefFor(state), now);
    this.allowance = traffic.reserve(address, left);
    const { bytes, objects, beyond } = this.allowance;
    const { object = Number.POSITIVE_INFINITY } = limits;
    if (bytes > 0) return { bytes, objects, object, beyond };
    // For git, 0 bytes mean no limit.
    return { bytes: 1, objects: 0, object, beyond: () => beyond('bytes', undefined) };
  }

  /** Notes that git looks at the pack. @param objects that the pack's header names */
  started(objects: number): void {
    this.given = objects;
  }

  /** Charges the size of the pack that was taken in. */
  charge(amount: Amount): void {
    this.allowance?.settle(amount);
  }

  /**
   * Ends the push. A pack that was not taken in is charged with what was used: the bytes that were sent, and the objects in them
   * if git has looked at them; no more than was reserved, since the rest was read only for the client to learn the reason. The time
   * of git is charged in {@link UnpackTime}.
   */
  leave(): void {
    if (this.allowance === undefined) return;
    const { bytes, objects } = this.allowance;
    const sent = this.options.body.size;
    const looked = Math.min(this.given, Math.floor(sent / LEAST_ENTRY));
    this.allowance.settle({ bytes: Math.min(sent, bytes), objects: Math.min(looked, objects) });
  }
}
