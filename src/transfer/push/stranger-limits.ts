/**
 * The limits for pushes of strangers to `refs/nostr/<event id>`. The operator sets three amounts for one repository, and the
 * other limits are derived from them. Pure functions.
 */
import type { Amount, StrangerRef, Strangers } from '../../repository/git/git-manifest.ts';

/** Limits for all strangers together in one repository. */
export interface StrangerLimits {
  /** Bytes of packs and their idx files. */
  readonly bytes: number;
  readonly objects: number;
  readonly refs: number;
  /** Maximum bytes of one object; absent for the limit of all pushes. */
  readonly object?: number;
}

/** Seconds until the whole allowance of a repository is free again after its refs were deleted. */
const FREED_IN_SECONDS = 24 * 60 * 60;

/** The limits of one push: a quarter of the repository's, so that no single push uses up all. */
export function limitsOfOnePush({ bytes, objects }: StrangerLimits): Amount {
  return { bytes: Math.ceil(bytes / 4), objects: Math.ceil(objects / 4) };
}

/** Maximum number of refs that wait for their events in one repository. */
export function waitingLimit({ refs }: StrangerLimits): number {
  return Math.ceil(refs / 4);
}

/**
 * What strangers may still push to a repository.
 * @param strangers their usage so far
 * @param isThere true for an event id whose ref exists
 * @param now seconds since the epoch
 */
export function allowanceLeft(
  limits: StrangerLimits,
  strangers: Strangers | undefined,
  isThere: (eventId: string) => boolean,
  now: number,
): Amount {
  const { refs, gone } = settled(limits, strangers, isThere, now);
  let [bytes, objects] = [gone?.bytes ?? 0, gone?.objects ?? 0];
  for (const ref of Object.values(refs)) {
    bytes += ref.bytes;
    objects += ref.objects;
  }
  return { bytes: Math.max(0, limits.bytes - bytes), objects: Math.max(0, limits.objects - objects) };
}

/** Number of refs that strangers have created and that still exist. */
export function strangerRefCount(
  strangers: Strangers | undefined,
  isThere: (eventId: string) => boolean,
): number {
  return Object.keys(strangers?.refs ?? {}).filter(isThere).length;
}

/** The usage as of now: deleted refs move to `gone`, and a part of `gone` becomes free with time. */
export function settled(
  limits: StrangerLimits,
  strangers: Strangers | undefined,
  isThere: (eventId: string) => boolean,
  now: number,
): Strangers {
  if (strangers === undefined) return { refs: {} };
  const before = strangers.gone;
  const freed = Math.max(0, now - (before?.at ?? now)) / FREED_IN_SECONDS;
  let bytes = Math.max(0, (before?.bytes ?? 0) - Math.ceil(freed * limits.bytes));
  let objects = Math.max(0, (before?.objects ?? 0) - Math.ceil(freed * limits.objects));
  const refs: Record<string, StrangerRef> = {};
  for (const [eventId, ref] of Object.entries(strangers.refs)) {
    if (isThere(eventId)) refs[eventId] = ref;
    else {
      bytes += ref.bytes;
      objects += ref.objects;
    }
  }
  return bytes === 0 && objects === 0 ? { refs } : { refs, gone: { at: now, bytes, objects } };
}
