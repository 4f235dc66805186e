/**
 * What no ref reaches any more is set apart in a pack of its own, which leaves when the grace period is over. Grace counts from the last
 * time that a ref reached an object, so whatever may have been reached since the last fold is set apart anew.
 */
import type { GitState, PackEntry } from '../../repository/git/git-manifest.ts';
import { ApartObjects } from './apart-objects.ts';
import type { FoldCopy, MadePack } from './fold-copy.ts';
import { type FoldFacts, isExpired } from './fold-plan.ts';

/** What a fold of all makes of what refs do not reach. */
export interface SetApart {
  /** What it sets apart now; undefined when there is nothing. */
  readonly pack: MadePack | undefined;
  /** Packs whose place it and the packs that were walked take. */
  readonly replaced: readonly PackEntry[];
  /** Packs set apart before whose time is over. */
  readonly expired: readonly PackEntry[];
  /** Packs set apart before that wait on. */
  readonly waiting: readonly PackEntry[];
  /** Present with `pack`. */
  readonly objects?: ApartObjects;
}

/** Seconds in which what nothing reaches comes into one pack, in parts of the grace period: so many packs wait at most. */
const UNREACHABLE_PACKS = 8;

/**
 * Sets apart what is left beside packs that were walked, without a look at what waits already: what is in other packs as well, or is
 * linked to from there, has come back meanwhile and left again.
 * @param walked packs just made of all that the refs of `state` reach
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

/** What was set apart in the same part of the grace period is gathered in one pack. */
function isRecent(entry: PackEntry, { now, grace }: FoldFacts): boolean {
  const part = Math.max(1, Math.floor(grace / UNREACHABLE_PACKS));
  return Math.floor((entry.since ?? 0) / part) === Math.floor(now / part);
}
