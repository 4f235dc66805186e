/**
 * Decides from a manifest which packs to fold. A pure function.
 *
 * Pushed packs accumulate until there are sixteen. Then they become one pack, together with each rolled-up pack that
 * is less than twice as large as the sum so far (a geometric progression, as in `git repack --geometric=2`). If the
 * result would be more than half as large as the base, everything is folded: all reachable objects go into a new
 * base. So an object is packed O(log n) times in n pushes, and there are never more packs than sixteen plus the
 * logarithm of the number of objects.
 */
import type { PackEntry } from '../../repository/git/git-manifest.ts';

export type FoldPlan =
  | { readonly fold: 'none' }
  /**
   * These packs become one, and all their objects stay. `listed`: git packs them without a walk, because it cannot
   * walk them.
   */
  | { readonly fold: 'roll-up'; readonly packs: readonly PackEntry[]; readonly listed?: true }
  /** Every pack is replaced; see `FoldReason`. */
  | { readonly fold: 'full'; readonly reason: FoldReason };

/**
 * Why everything is folded: the new packs are large beside the base, unreachable objects are due, many refs were
 * deleted, or somebody asked for it.
 */
export type FoldReason = 'grown' | 'expired' | 'deletions' | 'asked';

export interface FoldFacts {
  /** Seconds. */
  readonly now: number;
  /** How long unreachable objects are kept, in seconds. */
  readonly grace: number;
  /** Recently deleted refs, as far as this process knows. */
  readonly deletions: number;
}

/** The number of unfolded packs that triggers a fold. */
export const PACKS_GATHERED = 16;
/** Number of objects: a repository this large gets a base before it has sixteen packs. */
const WORTH_A_BASE = 1_000;
/** Number of deleted refs after which part of the base may be unreachable. */
const DELETIONS_GATHERED = 16;
/** Deleted refs do not cause a new base while the base is younger than this fraction of the grace period. */
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

/** The plan for a repository that git cannot walk: packs are combined by size alone, and there is no full fold. */
export function gatherPlan(packs: readonly PackEntry[]): FoldPlan {
  const unfolded = packs.filter(isUnfolded);
  if (unfolded.length < PACKS_GATHERED) return { fold: 'none' };
  return { fold: 'roll-up', packs: progression(packs, unfolded), listed: true };
}

/**
 * The packs to combine when git cannot walk branches and tags: all but the last base, which answers best for its own
 * content.
 */
export function beyondBase(packs: readonly PackEntry[]): readonly PackEntry[] {
  return packs.filter((entry) => isUnfolded(entry) || isRolledUp(entry));
}

/** Whether a pack of unreachable objects is older than the grace period, so that it is dropped. */
export function isExpired(entry: PackEntry, facts: Pick<FoldFacts, 'now' | 'grace'>): boolean {
  return entry.kind === 'unreachable' && (entry.since ?? 0) + facts.grace <= facts.now;
}

/**
 * Whether a full fold could improve nothing: one pack answers a clone, and the others wait for their grace period.
 * @param tips the wants of a clone, as in `PackEntry.tips`; undefined when there are none
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

/** Unfolded packs, and each rolled-up pack that is less than twice as large as the sum so far. */
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

/**
 * Number of objects that came with these packs, without the bases that completed a thin pack, which other packs hold
 * too.
 */
function total(packs: readonly PackEntry[]): number {
  return packs.reduce((sum, entry) => sum + (entry.own?.objects ?? entry.objects), 0);
}
