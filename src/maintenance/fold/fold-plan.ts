/**
 * Which packs to fold, by what a manifest says of them: a pure function.
 *
 * Packs that came with pushes collect until there are sixteen. Then they go together into one, along with every folded
 * pack that is less than twice as large as what has been gathered (a geometric progression, as in
 * `git repack --geometric=2`). What would thus become more than half as large as the base is folded whole: everything
 * that is reachable goes into a new base. So an object is packed again O(log n) times in n pushes, and packs are never
 * more than sixteen and the logarithm of the number of objects.
 */
import type { PackEntry } from '../../repository/git/git-manifest.ts';

export type FoldPlan =
  | { readonly fold: 'none' }
  /** These packs become one; whatever is in them stays. `listed`: git does not look into it, since it cannot. */
  | { readonly fold: 'roll-up'; readonly packs: readonly PackEntry[]; readonly listed?: true }
  /** Every pack is replaced; see `FoldReason`. */
  | { readonly fold: 'full'; readonly reason: FoldReason };

/** Why all is folded: what came is large beside the base, unreachable objects are due, or many refs were deleted. */
export type FoldReason = 'grown' | 'expired' | 'deletions' | 'asked';

export interface FoldFacts {
  /** Seconds. */
  readonly now: number;
  /** Seconds for which objects that nothing reaches are kept. */
  readonly grace: number;
  /** Refs deleted lately, as far as anybody has noticed. */
  readonly deletions: number;
}

/** Packs that have not been folded are folded when there are so many. */
export const PACKS_GATHERED = 16;
/** Objects: a repository this large is not left without a base until there are sixteen packs. */
const WORTH_A_BASE = 1_000;
/** Deleted refs after which a part of the base may be dead. */
const DELETIONS_GATHERED = 16;
/** A base this young is not made again for the sake of deleted refs, in parts of the grace period. */
const DELETIONS_PER_GRACE = 7;
const FACTOR = 2;

/** What to fold, if anything. */
export function foldPlan(packs: readonly PackEntry[], facts: FoldFacts): FoldPlan {
  if (packs.some((entry) => isExpired(entry, facts))) return { fold: 'full', reason: 'expired' };
  const base = packs.filter(isBase);
  const baseObjects = total(base);
  const unfolded = packs.filter(isUnfolded);
  if (unfolded.length >= PACKS_GATHERED) return rollUp(packs, unfolded, baseObjects);
  const tail = total(unfolded) + total(packs.filter(isRolledUp));
  if (tail >= WORTH_A_BASE && outgrows(tail, baseObjects)) return { fold: 'full', reason: 'grown' };
  const age = facts.now - Math.max(0, ...base.map((entry) => entry.since ?? 0));
  if (facts.deletions >= DELETIONS_GATHERED && age * DELETIONS_PER_GRACE >= facts.grace) {
    return { fold: 'full', reason: 'deletions' };
  }
  return { fold: 'none' };
}

/** What to fold of a repository that git cannot walk: packs go together by their sizes alone, and nothing is folded whole. */
export function gatherPlan(packs: readonly PackEntry[]): FoldPlan {
  const unfolded = packs.filter(isUnfolded);
  if (unfolded.length < PACKS_GATHERED) return { fold: 'none' };
  return { fold: 'roll-up', packs: progression(packs, unfolded), listed: true };
}

/** What can go together where branches and tags cannot be walked: all but the last base, which answers best what it holds. */
export function beyondBase(packs: readonly PackEntry[]): readonly PackEntry[] {
  return packs.filter((entry) => isUnfolded(entry) || isRolledUp(entry));
}

/** True when nothing reaches the objects of a pack, and has not for so long that they leave. */
export function isExpired(entry: PackEntry, facts: Pick<FoldFacts, 'now' | 'grace'>): boolean {
  return entry.kind === 'unreachable' && (entry.since ?? 0) + facts.grace <= facts.now;
}

/**
 * True when there is nothing that a full fold could improve: one pack answers a clone, and what else there is waits for its
 * time.
 * @param tips what a clone wants, as `PackEntry.tips` names it; undefined when it wants nothing
 */
export function isFolded(
  packs: readonly PackEntry[],
  tips: string | undefined,
  facts: Pick<FoldFacts, 'now' | 'grace'>,
): boolean {
  const folded = packs.filter((entry) => entry.kind !== 'rest' && entry.kind !== 'unreachable');
  if (packs.some((entry) => isExpired(entry, facts))) return false;
  if (tips === undefined) return folded.length === 0;
  return folded.length === 1 && folded[0]?.tips === tips && folded[0].linked === true;
}

function rollUp(packs: readonly PackEntry[], unfolded: readonly PackEntry[], baseObjects: number): FoldPlan {
  const rolled = progression(packs, unfolded);
  if (outgrows(total(rolled), baseObjects)) return { fold: 'full', reason: 'grown' };
  return { fold: 'roll-up', packs: rolled };
}

/** Packs that have come, and each folded one that is less than twice as large as what has been gathered. */
function progression(packs: readonly PackEntry[], unfolded: readonly PackEntry[]): PackEntry[] {
  let gathered = total(unfolded);
  const rolled = [...unfolded];
  const folded = packs.filter(isRolledUp).sort((a, b) => a.objects - b.objects);
  for (const entry of folded) {
    if (entry.objects >= FACTOR * gathered) break;
    rolled.push(entry);
    gathered += entry.objects;
  }
  return rolled;
}

function outgrows(tail: number, base: number): boolean {
  return FACTOR * tail > base;
}

/** The packs of the last full fold. */
function isBase(entry: PackEntry): boolean {
  return entry.tips !== undefined || entry.kind === 'rest';
}

function isRolledUp(entry: PackEntry): boolean {
  return entry.kind === 'fold' && !isBase(entry);
}

function isUnfolded(entry: PackEntry): boolean {
  return entry.kind === 'push' || entry.kind === 'mirror';
}

/** Objects that came with these packs; bases that completed a thin pack are elsewhere, too. */
function total(packs: readonly PackEntry[]): number {
  return packs.reduce((sum, entry) => sum + (entry.own?.objects ?? entry.objects), 0);
}
