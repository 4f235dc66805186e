/**
 * What people without a right of their own may bring to `refs/nostr/<event id>`: the operator sets three amounts for one
 * repository, and everything else follows from them. Pure: facts in, amounts out.
 */
import type { Amount, StrangerRef, Strangers } from '../../repository/git/git-manifest.ts';

/** What all strangers together may have in one repository. */
export interface StrangerLimits {
  /** Of packs and their indexes. */
  readonly bytes: number;
  readonly objects: number;
  readonly refs: number;
  /** Bytes of one object; absent: as many as anybody may push. */
  readonly object?: number;
}

/** Seconds in which a whole allowance of a repository is free again after its refs have gone. */
const FREED_IN_SECONDS = 24 * 60 * 60;

/** What one push may bring: a quarter of what the repository takes, so that no single one uses it up. */
export function limitsOfOnePush({ bytes, objects }: StrangerLimits): Amount {
  return { bytes: Math.ceil(bytes / 4), objects: Math.ceil(objects / 4) };
}

/** How many refs may wait for their events in one repository. */
export function waitingLimit({ refs }: StrangerLimits): number {
  return Math.ceil(refs / 4);
}

/**
 * What strangers may still bring to a repository.
 * @param strangers what they have brought so far
 * @param isThere true for an event id whose ref is there
 * @param now seconds
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

/** How many refs of strangers there are. */
export function strangerRefCount(
  strangers: Strangers | undefined,
  isThere: (eventId: string) => boolean,
): number {
  return Object.keys(strangers?.refs ?? {}).filter(isThere).length;
}

/** The same, as of now: refs that are gone are counted among what is gone, and of that a part is free again. */
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
