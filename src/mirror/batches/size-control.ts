/**
 * How much goes into the next pack, decided by what was learnt from those before. Pure.
 *
 * Nothing tells beforehand how long the pack of some commits is, and a target does not tell beforehand how long a body it takes. So
 * both are estimated: cheap signs come first (the number of objects in the header of a pack), costly ones last (a refusal).
 */

/** What is known at a moment. */
export interface SizeControl {
  /** Longest body that the target may take, in bytes. It only goes down. */
  readonly budget: number;
  /** The limit that somebody has stated, if anybody has; otherwise the target may take more than the budget. */
  readonly limit: number | undefined;
  /** Estimated length of an object in a pack, in bytes. */
  readonly objectBytes: number;
  /** Number of stops that the next pack goes on (see `stops.ts`); roughly, commits of a first-parent chain. */
  readonly stride: number;
}

/** A pack that was too long, as far as it was seen. */
export interface LongPack {
  /** Bytes that were sent. */
  readonly sent: number;
  /** Objects that were sent whole; undefined if they were not counted. */
  readonly objects?: number | undefined;
  /** The limit that the target states in its refusal. */
  readonly stated?: number | undefined;
  /** How long the pack seems to be in all, if we broke it off; undefined if the target has refused it. */
  readonly projected?: number | undefined;
}

/** The limit that is assumed once a target has refused a pack without saying what it takes: what large hosts and proxies take. */
export const ASSUMED_LIMIT = 512 * 2 ** 20;
/** A commit of a first-parent chain with all it brings, as in large histories: 66 KiB in that of the Linux kernel. */
const COMMIT_BYTES = 64 * 1024;
/** An object in a pack, until something is known: small files, and trees and commits as deltas. */
const OBJECT_BYTES = 750;
/** Part of the budget at which a pack is broken off: the head of the request counts as well. */
const ABORT_AT = 0.95;
/** Below this, a projection from the objects that went by says nothing. */
const PROJECT_FROM = 8 * 2 ** 20;
/** Part of the budget that packs aim at, so that the uneven size of commits does not matter. */
const AIM = 0.5;
/** A stride grows at most so much at a time. */
const MOST_GROWTH = 8;
/** Room above what was measured, when an estimate goes down. */
const HEADROOM = 1.25;

/**
 * Where to begin.
 * @param limits bytes: what was given for the target, what it has stated in a refusal, what it was sent then, and the longest pack to
 *   take from the source. A stated limit is halved, because it may count what we do not see.
 */
export function firstControl(limits: {
  readonly given?: number | undefined;
  readonly refused?: LongPack | undefined;
  readonly maxPackBytes?: number | undefined;
}): SizeControl {
  const { given, refused, maxPackBytes = Number.POSITIVE_INFINITY } = limits;
  const learnt =
    refused === undefined
      ? ASSUMED_LIMIT
      : Math.min(
          ASSUMED_LIMIT,
          refused.stated === undefined ? refused.sent || ASSUMED_LIMIT : half(refused.stated),
        );
  const budget = Math.max(1, Math.min(given ?? learnt, maxPackBytes));
  return {
    budget,
    limit: given ?? refused?.stated,
    objectBytes: OBJECT_BYTES,
    stride: Number.POSITIVE_INFINITY,
  };
}

function half(bytes: number): number {
  return Math.floor(bytes / 2);
}

/**
 * The first stride. If packs would hold less than a stop each, the estimate is of no use; then everything is tried at once, since the
 * header of the pack says soon that it is too long.
 * @param projected how long a pack of everything seems to be; without it, each stop counts as a commit of typical size
 */
export function withFirstStride(control: SizeControl, stops: number, projected?: number): SizeControl {
  const bytes = projected === undefined ? stops * COMMIT_BYTES : projected / AIM;
  const packs = Math.max(1, Math.ceil(bytes / control.budget));
  const isOfUse = projected !== undefined || packs < stops;
  return { ...control, stride: Math.max(1, isOfUse ? Math.ceil(stops / packs) : stops) };
}

/** How many packs are left to send, as far as can be said. */
export function packsLeft({ stride }: SizeControl, stops: number): number {
  return Math.max(Math.min(stops, 1), Math.ceil(stops / stride));
}

/** True if a pack with so many objects is not worth sending: an estimate, from its header. */
export function hasTooManyObjects({ objectBytes, budget }: SizeControl, objects: number): boolean {
  return objects * objectBytes > budget;
}

/**
 * The length that a pack seems to get, if it is to be broken off now; undefined if it can go on.
 * @param pack bytes and objects that went by, and the objects of its header
 */
export function tooLong(
  budget: number,
  pack: { readonly bytes: number; readonly objects: number; readonly total: number },
): number | undefined {
  const { bytes, objects, total } = pack;
  const most = budget * ABORT_AT;
  const projected = objects === 0 ? bytes : Math.round((bytes * total) / objects);
  if (bytes >= most) return Math.max(bytes, projected);
  return bytes >= PROJECT_FROM && projected > most ? projected : undefined;
}

/**
 * After a pack was too long: the target takes less than it has refused, objects are longer than was thought, and the next pack is
 * shorter. A pack that we broke off says nothing of the target.
 */
export function afterLongPack(control: SizeControl, pack: LongPack): SizeControl {
  const { sent, objects, stated, projected } = pack;
  const learnt = projected === undefined ? (stated ?? sent) : undefined;
  const budget = learnt === undefined || learnt === 0 ? control.budget : Math.min(control.budget, learnt);
  const measured = objects === undefined ? 0 : (2 * sent) / Math.max(1, objects);
  return {
    budget,
    limit: least(control.limit, projected === undefined ? stated : undefined),
    objectBytes: Math.max(control.objectBytes, measured),
    stride: shorter(control.stride, splitFactor(budget, pack)),
  };
}

function least(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

/** In how many parts a pack is split that was too long: twice as many as it seems to need, four times if most of it was not seen. */
export function splitFactor(budget: number, { sent, projected }: LongPack): number {
  const isCut = projected === undefined && sent >= 0.9 * budget;
  return Math.max(2, Math.ceil(((isCut ? 4 : 2) * (projected ?? sent)) / budget));
}

/** @returns a stride that is smaller by a factor, and by one at least; 1 is the smallest */
function shorter(stride: number, factor: number): number {
  return Math.max(1, Math.min(stride - 1, Math.floor(stride / factor)));
}

/**
 * After a pack was taken: one that was short lets the next be longer, up to half of the budget. The estimate of an object comes down
 * to what was measured, by half at a time.
 * @param pack length in bytes, objects, and the stops that it went on
 */
export function afterTakenPack(
  control: SizeControl,
  pack: { readonly bytes: number; readonly objects: number; readonly stops: number },
): SizeControl {
  const { budget, objectBytes, stride } = control;
  const measured = pack.objects === 0 ? objectBytes : (HEADROOM * pack.bytes) / pack.objects;
  const room = Math.floor((pack.stops * budget * AIM) / Math.max(1, pack.bytes));
  const isShort = pack.bytes < budget * AIM;
  return {
    ...control,
    objectBytes: Math.max(measured, objectBytes / 2),
    stride: isShort ? Math.max(stride, Math.min(stride * MOST_GROWTH, room)) : stride,
  };
}

/**
 * The budget of a pack that cannot be made smaller. It is not held to an estimate, since there is nothing left to lose, but to a
 * stated limit.
 */
export function lastResort({ limit = Number.POSITIVE_INFINITY }: SizeControl): number {
  return limit / ABORT_AT;
}
