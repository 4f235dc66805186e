/**
 * Folds one repository: a scratch copy turns many packs into few, and an ordinary publish replaces the old ones. A
 * crash at any step leaves garbage in the store or in the scratch folder, never damage.
 */

import { allSettledOrThrow } from '../../lib/all-settled-or-throw.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Digest } from '../../lib/digest.ts';
import { CairnError } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import type { Committed } from '../../repository/committed.ts';
import {
  type GitManifest,
  type GitState,
  isClosed,
  type PackEntry,
  type PublishedGitState,
} from '../../repository/git/git-manifest.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import { foldLeaseKey } from '../../repository/keys.ts';
import { takeLease } from '../../repository/records/lease.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import { CheckedRefs } from './checked-refs.ts';
import { cloneTips } from './clone-tips.ts';
import { afterFold, FoldChange, type FoldResult, type FoldVerdict, restingOn } from './fold-change.ts';
import { FoldCopy, type FoldCopyContext, type MadePack } from './fold-copy.ts';
import { beyondBase, type FoldFacts, type FoldPlan, foldPlan, gatherPlan, isFolded } from './fold-plan.ts';
import { setApart } from './set-apart.ts';
import { type StoreFoldContext, storeFolded, storePacks } from './store-fold.ts';

export interface FoldContext extends FoldCopyContext, StoreFoldContext {
  readonly control: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  /** The name of this process in leases. */
  readonly holder: string;
  /** How long unreachable objects are kept, in seconds. */
  readonly grace: number;
  /** Called for harmless failures: a lease that could not be renewed, a file that could not be cached. */
  readonly onTrouble: (id: RepositoryId, error: unknown) => void;
}

/**
 * `full`: all reachable objects in one pack. `due`: as {@link foldPlan} says. `gather`: as {@link gatherPlan} says,
 * for a repository that git cannot walk.
 */
export type FoldMode = 'full' | 'due' | 'gather';

/**
 * The outcome of a fold. `leased`: another server is folding the repository. `superseded`: another fold, a restore or
 * a withdrawal came first, and the result is dropped.
 */
export type FoldOutcome =
  | {
      readonly outcome: 'nothing to do';
      /** True when everything was packed again with the same result. */
      readonly same?: boolean;
      /** What git could not do and never will. */
      readonly refusal?: string;
    }
  | { readonly outcome: 'leased' | 'superseded' }
  | {
      readonly outcome: 'folded' | 'rolled up';
      /** Packs before and after. */
      readonly packs: readonly [before: number, after: number];
      /** Objects in the new packs. */
      readonly objects: number;
      readonly committed: Committed<GitManifest>;
      /** What git could not do and never will; the fold works without it. */
      readonly refusal?: string;
    };

/** How often a fold that drops objects checks new refs before it keeps those objects this time. */
const CHECKS = 3;
/**
 * The same for a grace period of zero, where the objects may not be kept: the fold then fails, and packs accumulate
 * meanwhile.
 */
const CHECKS_WITHOUT_GRACE = 24;

/**
 * Folds a repository, unless another server is doing so.
 * @param deletions see `FoldFacts`
 * @throws CairnError `not-found`; `unavailable` when store or disk fail; `too-large` when git can neither walk the
 * repository nor do without a walk; `corrupt` when objects are missing; the signal's reason
 */
export async function foldRepository(
  context: FoldContext,
  repository: GitRepository,
  mode: FoldMode,
  deletions: number,
  signal: AbortSignal,
): Promise<FoldOutcome> {
  const before = await planFor(context, await mustResolve(repository), mode, deletions);
  if (before.fold === 'none') return { outcome: 'nothing to do' };
  const lease = await takeLease(context, {
    key: foldLeaseKey(repository.id),
    holder: context.holder,
    onTrouble: (error) => context.onTrouble(repository.id, error),
  });
  if (lease === undefined) return { outcome: 'leased' };
  try {
    // Another server may have folded it a moment ago.
    const published = await mustResolve(repository);
    const plan = await planFor(context, published, mode, deletions);
    if (plan.fold === 'none') return { outcome: 'nothing to do' };
    return await carryOut(context, repository, published, plan, signal);
  } finally {
    await lease.release();
  }
}

async function planFor(
  context: FoldContext,
  published: PublishedGitState,
  mode: FoldMode,
  deletions: number,
): Promise<FoldPlan> {
  const { manifest } = published;
  const facts = factsOf(context, deletions);
  if (manifest.lifecycle === 'withdrawn' || manifest.packs.length === 0) return { fold: 'none' };
  if (mode === 'gather') return gatherPlan(manifest.packs);
  if (mode === 'due') return foldPlan(manifest.packs, facts);
  return isFolded(manifest.packs, await cloneTips(manifest.refs), facts)
    ? { fold: 'none' }
    : { fold: 'full', reason: 'asked' };
}

async function carryOut(
  context: FoldContext,
  repository: GitRepository,
  published: PublishedGitState,
  plan: Exclude<FoldPlan, { fold: 'none' }>,
  signal: AbortSignal,
): Promise<FoldOutcome> {
  const { manifest } = published;
  const packs = plan.fold === 'roll-up' ? plan.packs : manifest.packs;
  const bytes = packs.reduce((sum, entry) => sum + entry.pack.size, 0);
  const copy = await FoldCopy.open(context, repository.id, manifest, bytes, signal);
  try {
    const result =
      plan.fold === 'roll-up'
        ? await rollUp(context, repository, manifest, plan.packs, copy, plan.listed)
        : await foldAll(context, repository, manifest, copy);
    const refusal = copy.refusal === undefined ? {} : { refusal: copy.refusal.message };
    if (result === undefined || isSame(manifest.packs, afterFold(manifest, result).packs)) {
      const same = plan.fold === 'full' && copy.refusal === undefined;
      return { outcome: 'nothing to do', same, ...refusal };
    }
    const committed = await publish(context, repository, result, copy);
    if (committed === undefined) return { outcome: 'superseded' };
    const hasBase = result.made.some(({ tips }) => tips !== undefined);
    return {
      outcome: plan.fold === 'full' && (hasBase || copy.refusal === undefined) ? 'folded' : 'rolled up',
      packs: [manifest.packs.length, committed.manifest?.packs.length ?? 0],
      objects: result.made.reduce((sum, entry) => sum + entry.objects, 0),
      committed,
      ...refusal,
    };
  } finally {
    await copy.close();
  }
}

/**
 * Combines some packs into one. No object is dropped.
 * @param listed true: git packs without reading the objects
 */
async function rollUp(
  context: FoldContext,
  repository: GitRepository,
  state: GitState,
  rolled: readonly PackEntry[],
  copy: FoldCopy,
  listed = false,
): Promise<FoldResult> {
  const replaced = digests(rolled);
  // Packs that are about to be dropped cannot be relied on.
  const relied = state.packs.filter(
    (entry) => !replaced.has(entry.pack.digest) && entry.kind !== 'unreachable',
  );
  const packed = listed
    ? await copy.packListed('fold', rolled, relied)
    : await copy.packPacks('fold', rolled, relied);
  const made = await storePacks(context, repository.id, [packed], state.generation, factsOf(context, 0).now);
  return {
    incarnation: state.incarnation,
    made,
    epoch: context.random.hex(16),
    madeIn: state.epoch,
    linked: isClosed({ packs: rolled }) ? digests(made) : new Set(),
    replaced,
    dropped: new Set(),
    relied: digests(relied),
    // All its commits are still there.
    graph: 'as it is',
    conserves: true,
    checked: new CheckedRefs(),
  };
}

/**
 * Packs everything that refs reach again. The rest is set apart, and dropped after its grace period.
 *
 * If git cannot walk what branches and tags reach, the packs beside the base are combined as they are. If it cannot
 * walk what only other refs reach, branches and tags still get their base.
 * @returns undefined when git can do nothing
 */
async function foldAll(
  context: FoldContext,
  repository: GitRepository,
  state: GitState,
  copy: FoldCopy,
): Promise<FoldResult | undefined> {
  const cloned = await copy.packCloned();
  if (cloned === 'refused') {
    const beyond = beyondBase(state.packs);
    return beyond.length < 2 ? undefined : rollUp(context, repository, state, beyond, copy, true);
  }
  const others = await copy.packRest(cloned.pack);
  return others === 'refused'
    ? foldCloned(context, repository, state, cloned.pack, copy)
    : foldWalked(context, repository, state, [cloned.pack, others.pack], copy);
}

/**
 * Gives branches and tags a base, and puts everything else, reachable or not, into another pack. No object is
 * dropped.
 */
async function foldCloned(
  context: FoldContext,
  repository: GitRepository,
  state: GitState,
  cloned: MadePack | undefined,
  copy: FoldCopy,
): Promise<FoldResult> {
  const replaced = state.packs.filter(({ kind }) => kind !== 'unreachable');
  const others = await copy.packListed('rest', replaced, [], [cloned]);
  const [made, graph] = await storeMade(context, repository, state, [cloned, others], copy);
  const base = made.filter(({ kind }) => kind === 'fold');
  return {
    incarnation: state.incarnation,
    made,
    epoch: context.random.hex(16),
    madeIn: state.epoch,
    linked: digests(isClosed({ packs: replaced }) ? made : base),
    replaced: digests(replaced),
    dropped: new Set(),
    relied: new Set(),
    graph,
    conserves: true,
    checked: new CheckedRefs(),
  };
}

/** Stores the new packs of a full fold, and the commit-graph. */
async function storeMade(
  context: FoldContext,
  repository: GitRepository,
  state: GitState,
  packs: readonly (MadePack | undefined)[],
  copy: FoldCopy,
): Promise<[made: PackEntry[], graph: FoldResult['graph']]> {
  const graph = await copy.graph();
  const tips = await cloneTips(state.refs);
  return allSettledOrThrow([
    storePacks(context, repository.id, packs, state.generation, factsOf(context, 0).now, tips),
    graph === undefined || graph === 'refused'
      ? Promise.resolve(graph === undefined ? undefined : ('as it is' as const))
      : storeFolded(context, repository.id, 'graph', graph, state.generation),
  ]);
}

async function foldWalked(
  context: FoldContext,
  repository: GitRepository,
  state: GitState,
  walked: readonly (MadePack | undefined)[],
  copy: FoldCopy,
): Promise<FoldResult> {
  const facts = factsOf(context, 0);
  const apart = await setApart(copy, state, walked, facts);
  const { replaced, expired, waiting, objects } = apart;
  const [made, graph] = await storeMade(context, repository, state, [...walked, apart.pack], copy);
  const result: FoldResult = {
    incarnation: state.incarnation,
    made,
    epoch: context.random.hex(16),
    madeIn: state.epoch,
    // What refs reach links to nothing else.
    linked: digests(made.filter(({ kind }) => kind !== 'unreachable')),
    replaced: digests(replaced),
    dropped: digests(expired),
    relied: digests(waiting),
    graph,
    conserves: expired.length === 0 && facts.grace > 0,
    checked: new CheckedRefs(),
    ...(objects === undefined ? {} : { apart: objects }),
  };
  // git has just walked all of this. But dropped objects are lost, so the result is also checked as readers will see
  // it.
  if (!(await copy.check.isComplete(afterFold(state, result), result.checked))) {
    throw new CairnError(
      'corrupt',
      `a fold of ${repository} lacks objects and is not published: the old packs stay`,
    );
  }
  await result.checked.add(state.refs);
  return copy.check.linked(state, result, result.conserves ? state : undefined);
}

/** @returns undefined when another change came first */
async function publish(
  context: FoldContext,
  repository: GitRepository,
  result: FoldResult,
  copy: FoldCopy,
): Promise<Committed<GitManifest> | undefined> {
  const enough = context.grace === 0 ? CHECKS_WITHOUT_GRACE : CHECKS;
  let current = result;
  for (let proofs = 0; ; proofs++) {
    const { verdict, committed } = await join(context, repository, current);
    if (verdict.verdict !== 'unchecked') return verdict.verdict === 'publish' ? committed : undefined;
    const next = afterFold(verdict.state, current);
    if (proofs < enough && (await isStillRight(context, verdict.state, current, copy))) {
      await current.checked.add(next.refs);
      current = await copy.check.linked(verdict.state, restingOn(current, next));
      continue;
    }
    // New refs come faster than they can be checked, or rely on what the fold drops: keep those objects this time.
    if (context.grace === 0) return undefined;
    current = {
      ...current,
      dropped: new Set(),
      relied: union(current.relied, current.dropped),
      conserves: true,
    };
  }
}

/** Whether no later change needs, or recently needed, what the fold drops. */
async function isStillRight(
  { grace }: FoldContext,
  state: GitState,
  result: FoldResult,
  { check }: FoldCopy,
): Promise<boolean> {
  if (!(await check.isComplete(afterFold(state, result), result.checked))) return false;
  return grace === 0 || !(await check.needsDropped(state, result));
}

async function join(
  context: FoldContext,
  repository: GitRepository,
  result: FoldResult,
): Promise<{ readonly verdict: FoldVerdict; readonly committed: Committed<GitManifest> }> {
  const change = new FoldChange(result, repository.mark(), () => factsOf(context, 0).now);
  const { result: verdict, committed } = await repository.publisher.join(change);
  return { verdict, committed };
}

function factsOf({ clock, grace }: FoldContext, deletions: number): FoldFacts {
  return { now: Math.floor(clock.now() / 1000), grace, deletions };
}

async function mustResolve(repository: GitRepository): Promise<PublishedGitState> {
  const state = await repository.resolve();
  if (state === undefined) throw new CairnError('not-found', `there is no repository ${repository}`);
  return state;
}

/**
 * Whether a fold made the same packs again, which git often does. Dates do not count: publishing them would improve
 * nothing.
 */
function isSame(before: readonly PackEntry[], after: readonly PackEntry[]): boolean {
  const told = ({ kind, pack, tips, bitmap, linked }: PackEntry) =>
    [kind, pack.digest, tips, bitmap?.digest, linked].join(' ');
  const named = new Set(before.map(told));
  return before.length === after.length && after.every((entry) => named.has(told(entry)));
}

function digests(packs: readonly PackEntry[]): Set<Digest> {
  return new Set(packs.map(({ pack }) => pack.digest));
}

function union<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): Set<T> {
  return new Set([...a, ...b]);
}
