import {
  isZeroId,
  longPartProblem,
  type ObjectFormat,
  refNameProblem,
  refsStartingWith,
} from '../../git/index.ts';
import { mirroredRefProblem } from '../../policy/mirrored-refs.ts';
import type { GitState, PublishedGitState } from '../../repository/git/git-manifest.ts';
import {
  type Ancestry,
  type AncestryPair,
  ancestryPairs,
  type Plan,
  type PlannedRef,
  pairKey,
  planRefs,
} from '../plan/plan.ts';
import type { RefScope } from '../plan/ref-scope.ts';
import type { TargetListing } from '../remote/target.ts';
import { ancestryIn, findAncestry } from '../run/ancestry.ts';
import { fetchingRun } from './fetching-run.ts';
import type { ImportContext, ImportRequest } from './import-request.ts';
import { ownGraph } from './own-history.ts';

/** Refs that this server makes. An import that keeps the names of refs neither brings nor deletes them. */
export const OWN_PREFIXES = ['refs/nostr/', 'refs/mirrors/'];

/** A plan, and what is left to find out when the objects have come. */
export interface ImportPlan extends Plan {
  /** Updates of branches that are expected to lose no commits. */
  readonly unproven: readonly PlannedRef[];
}

/**
 * Plans an import, with the published state as what a mirror run calls the target.
 * @param published undefined when there is no repository
 * @param diverged pairs that are known to be no ancestors, by `pairKey`
 * @throws as asking the source; CairnError `unavailable` when git fails
 */
export async function planImport(
  context: ImportContext,
  request: ImportRequest,
  published: PublishedGitState | undefined,
  diverged: ReadonlySet<string>,
): Promise<ImportPlan> {
  const { source, policy, into } = request;
  const refs = refsIn(published?.manifest, into);
  const target = listingOf(refs, published?.manifest.objectFormat ?? source.listing.objectFormat);
  const scope = into === undefined ? withoutOwn(request.scope) : request.scope;
  const input = { source: source.listing, target, scope, policy };
  const { known, expected } = await ancestryOf(context, request, published, ancestryPairs(input));
  for (const key of diverged) {
    known.set(key, 'no');
    expected.delete(key);
  }
  const plan = planRefs(input, known);
  const here = new Set(published?.manifest.refs.values());
  const placed = plan.refs.map((ref) => ({ ...ref, target: placedName(ref.target, into) }));
  const changes = placed.map((ref) => withWay(allowed(ref, request, published?.manifest), here));
  const unproven = changes.filter(
    ({ action, kind, oldId, newId }) =>
      action === 'update' && kind === 'branch' && expected.has(pairKey(oldId, newId)),
  );
  return { ...plan, refs: changes, unproven };
}

/** Why nobody may change a ref. */
export function refProblem(request: ImportRequest, state: GitState, name: string): string | undefined {
  const { forbids = ({ mirrors }, ref) => mirroredRefProblem(mirrors, ref) } = request;
  const isNew = !state.refs.has(name);
  return refNameProblem(name) ?? (isNew ? longPartProblem(name) : undefined) ?? forbids(state, name);
}

function withoutOwn(scope: RefScope): RefScope {
  return { ...scope, excludedPrefixes: [...scope.excludedPrefixes, ...OWN_PREFIXES] };
}

/** The refs that the import is about, under the names that the source would give them. */
function refsIn(state: GitState | undefined, into: string | undefined): ReadonlyMap<string, string> {
  if (state === undefined) return new Map();
  if (into === undefined) return state.refs;
  const own = [...refsStartingWith(state.refs, into)];
  return new Map(own.map(([name, oid]) => [`refs/${name.slice(into.length)}`, oid]));
}

function placedName(name: string, into: string | undefined): string {
  return into === undefined ? name : `${into}${name.slice('refs/'.length)}`;
}

function listingOf(refs: ReadonlyMap<string, string>, objectFormat: ObjectFormat): TargetListing {
  const nothing = { unusable: [], capabilities: [] };
  return { ...nothing, refs, objectFormat, canDelete: true, canReport: true, isAtomic: true };
}

interface KnownAncestry {
  readonly known: Map<string, Ancestry>;
  /** Pairs that are checked after the objects have arrived; until then they count as `yes`. */
  readonly expected: Set<string>;
}

/**
 * Where both commits of a pair are here, no source is needed to compare them. A source that cannot send commits alone would send all
 * objects twice, so these are compared when they have come.
 */
async function ancestryOf(
  context: ImportContext,
  request: ImportRequest,
  published: PublishedGitState | undefined,
  pairs: readonly AncestryPair[],
): Promise<KnownAncestry> {
  if (published === undefined || pairs.length === 0) return { known: new Map(), expected: new Set() };
  const { source, dryRun } = request;
  const { refs, peeled } = published.manifest;
  const here = new Set([...refs.values(), ...peeled.values()]);
  const own = pairs.filter((pair) => here.has(pair.new));
  const others = pairs.filter((pair) => !here.has(pair.new));
  const known = await ancestryIn(own, (wants, haves) =>
    ownGraph({ ...request, git: context.git }, published, wants, haves),
  );
  if (source.listing.canFilter || dryRun) {
    const asked = await findAncestry(fetchingRun(context, request), others);
    return { known: new Map([...known, ...asked]), expected: new Set() };
  }
  const expected = new Set(others.map((pair) => pairKey(pair.old, pair.new)));
  for (const key of expected) known.set(key, 'yes');
  return { known, expected };
}

function allowed(ref: PlannedRef, request: ImportRequest, state: GitState | undefined): PlannedRef {
  if (ref.action === 'skip' || ref.action === 'block') return ref;
  const problem =
    state === undefined
      ? (refNameProblem(ref.target) ?? longPartProblem(ref.target))
      : refProblem(request, state, ref.target);
  return problem === undefined ? ref : { ...ref, action: 'block', reason: problem };
}

/** Says how a change comes about. */
function withWay(ref: PlannedRef, here: ReadonlySet<string>): PlannedRef {
  if (ref.action === 'skip' || ref.action === 'block') return ref;
  if (isZeroId(ref.newId)) return { ...ref, strategy: 'refs', strategyReason: 'a deletion needs no objects' };
  return here.has(ref.newId)
    ? { ...ref, strategy: 'refs', strategyReason: 'the repository has the object already' }
    : { ...ref, strategy: 'import', strategyReason: 'the pack of the source is taken in as it comes' };
}
