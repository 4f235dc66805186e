/**
 * A fold puts unreachable objects into a separate pack, which is dropped after the grace period. The period counts
 * from the last time that a ref reached an object, so what may have been reached since the last fold is set apart
 * again.
 */
import type { GitState, PackEntry } from '../../repository/git/git-manifest.ts';
import { ApartObjects } from './apart-objects.ts';
import type { FoldCopy, MadePack } from './fold-copy.ts';
import { type FoldFacts, isExpired } from './fold-plan.ts';

/** What a full fold does with unreachable objects. */
export interface SetApart {
  /** The new pack of unreachable objects; undefined when there are none. */
  readonly pack: MadePack | undefined;
  /** The packs that it and the walked packs replace. */
  readonly replaced: readonly PackEntry[];
  /** Packs set apart earlier whose grace period is over. */
  readonly expired: readonly PackEntry[];
  /** Packs set apart earlier that stay. */
  readonly waiting: readonly PackEntry[];
  /** Present with `pack`. */
  readonly objects?: ApartObjects;
}

/** Unreachable objects of one such fraction of the grace period share a pack. This limits the number of waiting packs. */
const UNREACHABLE_PACKS = 8;

/**
 * Sets apart what remains beside the walked packs. It ignores the waiting packs: an object of theirs that other packs
 * also hold, or link to, was reachable again and has become unreachable again.
 * @param walked new packs of everything that the refs of `state` reach
 * @throws as {@link FoldCopy.packLeft}
 */
export async function setApart(
  copy: FoldCopy,
  state: GitState,
  walked: readonly (MadePack | undefined)[],
  facts: FoldFacts,
): Promise<SetApart> {
  const expired = state.packs.filter((entry) => isExpired(entry, facts));
  const waiting = state.packs.filter(
    (entry) => entry.kind === 'unreachable' && !isExpired(entry, facts) && !isRecent(entry, facts),
  );
  const replaced = state.packs.filter((entry) => !expired.includes(entry) && !waiting.includes(entry));
  const before = { replaced, expired, waiting };
  if (facts.grace === 0) return { pack: undefined, ...before };
  const pack = await copy.packLeft(replaced, [...waiting, ...expired], walked);
  if (pack === undefined) return { pack, ...before };
  return { pack, ...before, objects: await ApartObjects.of(pack.idx.path, pack.objects, state) };
}

/** Whether a pack was set apart in the current fraction of the grace period, so that new objects join it. */
function isRecent(entry: PackEntry, { now, grace }: FoldFacts): boolean {
  const part = Math.max(1, Math.floor(grace / UNREACHABLE_PACKS));
  return Math.floor((entry.since ?? 0) / part) === Math.floor(now / part);
}
