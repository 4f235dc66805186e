/** What is to become of each ref of the target, as data. Pure: refs and facts in, a plan out. */
import { directoryFileConflicts, isBranch, RefNameIndex, zeroId } from '../../git/index.ts';
import type { SourceListing } from '../remote/source.ts';
import type { TargetListing } from '../remote/target.ts';
import {
  type DesiredRef,
  desiredRefs,
  isPrunable,
  isTemporary,
  kindOf,
  namesBranches,
  type RefKind,
  type RefScope,
  unusableReason,
  unusableRefs,
} from './ref-scope.ts';

/**
 * - `sync`: branches only move forward, tags stay, unless it is forced
 * - `replicate`: the target becomes like the source
 * - `bootstrap`: refs are only created; one that exists blocks the run
 */
export type MirrorMode = 'sync' | 'replicate' | 'bootstrap';

export interface MirrorPolicy {
  readonly mode: MirrorMode;
  /** Branches may be set back and tags may move. What was seen is still compared: nothing newer is lost. */
  readonly force: boolean;
  /** Refs of the target that the source does not have are deleted. */
  readonly prune: boolean;
}

export type RefAction = 'create' | 'update' | 'delete' | 'skip' | 'block';

/**
 * How a change gets to the target.
 * - `relay`: the pack of the source is streamed into the target
 * - `batches`: in several packs, behind a temporary ref
 * - `refs`: no objects need to be sent
 * - `local`: over a scratch repository, by git
 * - `import`: the pack of the source becomes a part of the repository, without a push
 */
export type Strategy = 'relay' | 'batches' | 'refs' | 'local' | 'import';

/** What is to become of one ref. */
export interface PlannedRef {
  readonly kind: RefKind;
  /** Its name at the source; undefined for one that is deleted. */
  readonly source: string | undefined;
  /** Its name at the target. */
  readonly target: string;
  /** What the target has; the zero id for nothing. */
  readonly oldId: string;
  /** What it shall have; the zero id for nothing. */
  readonly newId: string;
  readonly action: RefAction;
  /** Why, in words. */
  readonly reason: string;
  readonly strategy?: Strategy;
  /** Why it takes this strategy, in words. */
  readonly strategyReason?: string;
}

export interface Plan {
  /** In the order in which they are carried out; the branch of the source's HEAD first. */
  readonly refs: readonly PlannedRef[];
  /** The branch of HEAD at the source, as it is called there. */
  readonly sourceHead: string | undefined;
}

/** Two commits, of which it matters whether the first is an ancestor of the second. */
export interface AncestryPair {
  readonly old: string;
  readonly new: string;
}

/** What is known of a pair: `unknown` blocks as `no` does, with another reason. */
export type Ancestry = 'yes' | 'no' | 'unknown';

export interface PlanInput {
  readonly source: SourceListing;
  readonly target: TargetListing;
  readonly scope: RefScope;
  readonly policy: MirrorPolicy;
}

/** The pairs whose ancestry decides: branches that exist on both sides and differ, where nothing is forced. */
export function ancestryPairs({ source, target, scope, policy }: PlanInput): AncestryPair[] {
  if (policy.mode !== 'sync' || policy.force) return [];
  const pairs = new Map<string, AncestryPair>();
  for (const ref of desiredRefs(scope, source.refs)) {
    const old = target.refs.get(ref.target);
    if (ref.kind !== 'branch' || old === undefined || ref.oid === undefined || old === ref.oid) continue;
    pairs.set(pairKey(old, ref.oid), { old, new: ref.oid });
  }
  return [...pairs.values()];
}

/** Names a pair in the map of what is known. */
export function pairKey(old: string, next: string): string {
  return `${old} ${next}`;
}

/**
 * Plans every ref in scope.
 * @param ancestry what is known of {@link ancestryPairs}, by {@link pairKey}
 */
export function planRefs(input: PlanInput, ancestry: ReadonlyMap<string, Ancestry>): Plan {
  const { source, target, scope, policy } = input;
  const zero = zeroId(target.objectFormat);
  const wanted = desiredRefs(scope, source.refs);
  const planned = wanted.map((ref) => planRef(ref, target, policy, ancestry, zero));
  const deletes = policy.prune ? prunes(input, wanted, zero) : [];
  const unusable = unusableRefs(scope, source.unusable).map((ref) =>
    blocked(ref.shownName, unusableReason(ref), zero),
  );
  const refs = withoutConflicts(headFirst(planned, source.head?.target), deletes, target);
  return { refs: [...refs, ...unusable], sourceHead: source.head?.target };
}

function blocked(name: string, reason: string, zero: string): PlannedRef {
  const facts = { kind: kindOf(name), source: name, target: name, oldId: zero, newId: zero };
  return { ...facts, action: 'block', reason };
}

function planRef(
  ref: DesiredRef,
  target: TargetListing,
  policy: MirrorPolicy,
  ancestry: ReadonlyMap<string, Ancestry>,
  zero: string,
): PlannedRef {
  const { kind, source, oid } = ref;
  const old = target.refs.get(ref.target);
  const facts = { kind, source, target: ref.target, oldId: old ?? zero, newId: oid ?? zero };
  if (oid === undefined) return { ...facts, action: 'block', reason: `the source has no ${source}` };
  if (old === undefined) return { ...facts, action: 'create', reason: 'the target does not have it' };
  // What an interrupted run has made already does not block the one that goes on.
  if (policy.mode === 'bootstrap' && !(old === oid && isInterrupted(target))) {
    return { ...facts, action: 'block', reason: 'the target has it already, and bootstrap only creates' };
  }
  if (old === oid) return { ...facts, action: 'skip', reason: 'it is equal' };
  return { ...facts, ...change(kind, old, oid, policy, ancestry) };
}

function isInterrupted({ refs }: TargetListing): boolean {
  return [...refs.keys()].some(isTemporary);
}

function change(
  kind: RefKind,
  old: string,
  oid: string,
  { mode, force }: MirrorPolicy,
  ancestry: ReadonlyMap<string, Ancestry>,
): Pick<PlannedRef, 'action' | 'reason'> {
  if (mode === 'replicate') return { action: 'update', reason: 'the target becomes like the source' };
  if (force) return { action: 'update', reason: 'it differs, and changes are forced' };
  if (kind === 'tag') return { action: 'block', reason: 'the tag differs; --force moves it' };
  if (kind === 'other') return { action: 'block', reason: 'it differs; --force replaces it' };
  switch (ancestry.get(pairKey(old, oid)) ?? 'unknown') {
    case 'yes':
      return { action: 'update', reason: 'it moves forward' };
    case 'no':
      return {
        action: 'block',
        reason: `the target has diverged: ${short(old)} is not an ancestor of ${short(oid)}; --force replaces it`,
      };
    case 'unknown':
      return {
        action: 'block',
        reason: `it is not known whether ${short(old)} is an ancestor of ${short(oid)}`,
      };
  }
}

function prunes(
  { target, scope, source }: PlanInput,
  wanted: readonly DesiredRef[],
  zero: string,
): PlannedRef[] {
  const kept = new Set(wanted.map((ref) => ref.target));
  const hollow = hollowness(source, scope);
  const deletes: PlannedRef[] = [];
  for (const [name, oldId] of target.refs) {
    if (kept.has(name) || source.refs.has(name) || !isPrunable(scope, name)) continue;
    const facts = { kind: kindOf(name), source: undefined, target: name, oldId, newId: zero };
    const obstacle = target.canDelete ? hollow : 'the target does not let refs be deleted';
    deletes.push(
      obstacle === undefined
        ? { ...facts, action: 'delete', reason: 'the source does not have it' }
        : { ...facts, action: 'block', reason: obstacle },
    );
  }
  return deletes;
}

/**
 * Why a source is no measure of what to delete: it is empty, or lists no branch at all, as one does that was made anew, lost its data, or
 * hides them. Undefined for all others.
 */
function hollowness(source: SourceListing, scope: RefScope): string | undefined {
  if (source.refs.size === 0) return 'the source has no refs at all: nothing is deleted';
  if (namesBranches(scope) || [...source.refs.keys()].some(isBranch)) return undefined;
  return 'the source has no branches at all: nothing is deleted';
}

/** Hosts take the first branch of a first push as their default branch. */
function headFirst(refs: readonly PlannedRef[], head: string | undefined): PlannedRef[] {
  const isHead = (ref: PlannedRef) => ref.source === head && ref.kind === 'branch';
  return [...refs.filter(isHead), ...refs.filter((ref) => !isHead(ref))];
}

/**
 * A ref cannot be a file and a folder at once. What is in the way of a new ref is deleted before it, or the new ref is blocked.
 * Other deletions come last, so that nothing is gone before what replaces it is there.
 */
function withoutConflicts(
  changes: readonly PlannedRef[],
  deletes: readonly PlannedRef[],
  target: TargetListing,
): PlannedRef[] {
  const names = new RefNameIndex(target.refs.keys());
  const deletable = new Map(deletes.filter((ref) => ref.action === 'delete').map((ref) => [ref.target, ref]));
  const first: PlannedRef[] = [];
  const refs: PlannedRef[] = [];
  for (const ref of changes) {
    if (ref.action !== 'create') {
      refs.push(ref);
      continue;
    }
    const conflicts: PlannedRef[] = [];
    let obstacle: string | undefined;
    for (const name of directoryFileConflicts(ref.target, names)) {
      const found = deletable.get(name);
      if (found === undefined) {
        obstacle = name;
        break;
      }
      conflicts.push(found);
    }
    if (obstacle !== undefined) {
      refs.push({ ...ref, action: 'block', reason: `${obstacle} is in the way` });
      continue;
    }
    for (const found of conflicts) {
      first.push({ ...found, reason: `${found.reason}, and it is in the way of ${ref.target}` });
      deletable.delete(found.target);
      names.delete(found.target);
    }
    names.add(ref.target);
    refs.push(ref);
  }
  const last = deletes.filter((ref) => ref.action !== 'delete' || deletable.has(ref.target));
  return [...first, ...refs, ...last];
}

function short(oid: string): string {
  return oid.slice(0, 10);
}
