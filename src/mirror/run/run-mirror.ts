/** One run of a mirror: list, plan, send, look. */
import type { Clock } from '../../lib/clock.ts';
import { CairnError, type ErrorKind, isCairnError, messageOf } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import { localProblem } from '../../lib/system-error.ts';
import { RemoteError } from '../../outbound/remote-error.ts';
import { TemporaryNames } from '../batches/temporary-names.ts';
import { deleteTemporaryRefs } from '../batches/temporary-refs.ts';
import type { ScratchPlace } from '../graph/scratch.ts';
import type { MirrorObserver } from '../observer.ts';
import {
  ancestryPairs,
  type MirrorPolicy,
  type Plan,
  type PlannedRef,
  planRefs,
  type Strategy,
} from '../plan/plan.ts';
import { checkScope, nothingInScope, type RefScope, refPrefixes } from '../plan/ref-scope.ts';
import { withStrategies } from '../plan/strategies.ts';
import { absentTarget, type OpenedTarget } from '../remote/absent-target.ts';
import type { Source, SourceListing } from '../remote/source.ts';
import type { Target, TargetListing } from '../remote/target.ts';
import { findAncestry } from './ancestry.ts';
import { carryOut } from './carry-out.ts';
import { countsOf, type MirroredRef, type MirrorResult, type Outcome } from './mirror-result.ts';
import type { MirrorLimits, MirrorRun, RunTally } from './mirror-run.ts';
import { isMade, isSourceMoved, type RefResult } from './push-refs.ts';

/** How to reach both ends. A run opens each once, and closes it. */
export interface Remotes {
  /** @param prefixes the source need list no other refs */
  source(prefixes: readonly string[], signal: AbortSignal): Promise<Source>;
  target(signal: AbortSignal): Promise<Target>;
  /**
   * Opens the source as git itself reaches it, for what cannot be relayed. Without it such a run fails. A program that mirrors for
   * others leaves it out: git reaches more than they may be let to.
   */
  copied?(prefixes: readonly string[], signal: AbortSignal): Promise<Source>;
}

export interface MirrorRequest {
  readonly remotes: Remotes;
  readonly scope: RefScope;
  readonly policy: MirrorPolicy;
  readonly limits: MirrorLimits;
  /** Only plan: nothing is sent to the target. */
  readonly dryRun: boolean;
  /** Refs that are blocked, or that the target refuses, do not stop the others. */
  readonly bestEffort: boolean;
  readonly scratch: ScratchPlace;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: MirrorObserver;
  readonly signal: AbortSignal;
}

/** How often a plan is made, when the source changes while it is carried out. */
const MOST_ATTEMPTS = 3;

/**
 * Brings the target in step with the source. It never throws: what went wrong is in the result, together with what was done before.
 */
export async function runMirror(request: MirrorRequest): Promise<MirrorResult> {
  const progress = new Progress();
  try {
    await runBetween(request, progress);
  } catch (error) {
    const cause = localProblem(error) ?? error;
    if (request.signal.aborted) progress.fail('interrupted', 'it was stopped', error);
    else progress.fail(outcomeOf(cause), messageOf(cause), cause);
  }
  return progress.result(request);
}

/** How a run failed. `error` is what was thrown, if anything was. */
export interface Failure {
  readonly outcome: Outcome;
  readonly problem: string;
  readonly error?: unknown;
}

/** What is known of a run so far. */
class Progress {
  plan: Plan = { refs: [], sourceHead: undefined };
  source: SourceListing | undefined;
  target: TargetListing | undefined;
  attempts = 0;
  readonly results = new Map<string, RefResult>();
  readonly tally: RunTally = { packs: 0 };
  /** Why temporary refs are left at the target. */
  leftovers: string | undefined;
  private failure: Failure | undefined;

  fail(outcome: Outcome, problem: string, error?: unknown): void {
    this.failure = { outcome, problem, ...(error === undefined ? {} : { error }) };
  }

  result({ dryRun, bestEffort }: MirrorRequest): MirrorResult {
    const refs = this.plan.refs.map((ref): MirroredRef => {
      const result = this.results.get(ref.target);
      return result === undefined ? ref : { ...ref, result };
    });
    const { plan, source, target, attempts, tally } = this;
    const ended = this.failure ?? conclusion(refs, dryRun, bestEffort, this.leftovers);
    const { packs } = tally;
    return { ...ended, refs, sourceHead: plan.sourceHead, source, target, attempts, packs };
  }

  /** Some refs take another strategy than was planned. */
  changeStrategy(refs: readonly PlannedRef[], strategy: Strategy, strategyReason: string): void {
    const names = new Set(refs.map((ref) => ref.target));
    const changed = (ref: PlannedRef) => (names.has(ref.target) ? { ...ref, strategy, strategyReason } : ref);
    this.plan = { ...this.plan, refs: this.plan.refs.map(changed) };
  }
}

async function runBetween(request: MirrorRequest, progress: Progress): Promise<void> {
  const { scope, policy, signal, observer } = request;
  checkScope(scope);
  if (policy.mode !== 'sync' && policy.force) {
    throw new CairnError('invalid', `${policy.mode} cannot be forced: ${forcedIsNeedless(policy)}`);
  }
  if (policy.mode === 'bootstrap' && policy.prune) {
    throw new CairnError('invalid', 'bootstrap deletes nothing: use sync or replicate with --prune');
  }
  observer.phase('listing');
  const [sourceOpened, targetOpened] = await openBoth(request);
  await using source = opened(sourceOpened);
  await using target = opened(targetOpened) ?? plannedTarget(request, source, targetOpened);
  if (sourceOpened.status === 'rejected') throw sourceOpened.reason;
  if (target === undefined && targetOpened.status === 'rejected') throw targetOpened.reason;
  if (source === undefined || target === undefined) throw new Error('both ends are open');
  progress.source = source.listing;
  progress.target = target.listing;
  checkFormats(source.listing, target.listing);
  const temporary = new TemporaryNames(request);
  const run = { ...request, source, target, tally: progress.tally, temporary };
  for (;;) {
    progress.attempts += 1;
    try {
      await attempt(request, run, progress);
      return;
    } catch (error) {
      if (!isSourceMoved(error)) {
        await noteWhatWasDone(run, progress);
        throw error;
      }
      if (progress.attempts === MOST_ATTEMPTS) {
        progress.fail('moved', `${messageOf(error)}; it was tried ${MOST_ATTEMPTS} times`);
        return;
      }
      observer.notice('the source has changed meanwhile: planning again');
      await Promise.all([source.relist(signal), target.relist(signal)]);
    }
  }
}

/**
 * Opens both ends at once. If one cannot be opened, the other one is not waited for: it may take minutes to answer, or not to. It is given up
 * with the same error.
 */
async function openBoth(
  request: MirrorRequest,
): Promise<readonly [PromiseSettledResult<Source>, PromiseSettledResult<Target>]> {
  const { remotes, scope, dryRun } = request;
  const leaving = new AbortController();
  const signal = AbortSignal.any([request.signal, leaving.signal]);
  const source = openSourceOrCopy(remotes, refPrefixes(scope), { ...request, signal });
  const target = remotes.target(signal);
  source.catch((error: unknown) => leaving.abort(error));
  target.catch((error: unknown) => {
    if (!isPlannedFor(dryRun, error)) leaving.abort(error);
  });
  return Promise.allSettled([source, target] as const);
}

/** True if a plan can be made all the same, for a target that is to be created. */
function isPlannedFor(dryRun: boolean, error: unknown): boolean {
  return dryRun && isCairnError(error, 'not-found');
}

/** After a push that broke off, the refs of the target tell what it has done all the same. A target that is gone tells nothing. */
async function noteWhatWasDone({ target, signal }: MirrorRun, progress: Progress): Promise<void> {
  const pending = progress.plan.refs.filter(
    (ref) => ref.action !== 'skip' && ref.action !== 'block' && !progress.results.has(ref.target),
  );
  if (pending.length === 0 || signal.aborted) return;
  const listing = await target.relist(signal).catch(() => undefined);
  if (listing === undefined) return;
  for (const ref of pending) {
    if (isMade(ref, listing.refs.get(ref.target))) progress.results.set(ref.target, { outcome: 'applied' });
  }
}

/** Opens the source; as git itself does, where it does not speak the protocol that is spoken here. */
export async function openSourceOrCopy(
  { source, copied }: Pick<Remotes, 'source' | 'copied'>,
  prefixes: readonly string[],
  { observer, signal }: Pick<MirrorRequest, 'observer' | 'signal'>,
): Promise<Source> {
  try {
    return await source(prefixes, signal);
  } catch (error) {
    if (copied === undefined || signal.aborted || !mayBeKnownToGit(error)) throw error;
    observer.notice(`${error.message}: trying what git makes of it`);
    const copy = await copied(prefixes, signal);
    // Git takes a web page without a tab in it for the list of a repository without refs.
    if (copy.listing.refs.size > 0 || !isWebPage(error)) return copy;
    await copy[Symbol.asyncDispose]();
    throw error;
  }
}

/** True for an answer in another language than ours. A redirect that leads nowhere, or an answer without content, is the same for git. */
function mayBeKnownToGit(error: unknown): error is CairnError {
  if (!isCairnError(error, 'corrupt')) return false;
  return !(error instanceof RemoteError) || (error.facts.status ?? 200) === 200;
}

function isWebPage(error: CairnError): boolean {
  return error instanceof RemoteError && error.facts.isPage === true;
}

function forcedIsNeedless({ mode }: MirrorPolicy): string {
  return mode === 'replicate' ? 'it makes the target like the source anyway' : 'it only creates refs';
}

/** A plan can be made before the target exists: for an empty one. */
function plannedTarget(
  { dryRun, observer }: MirrorRequest,
  source: Source | undefined,
  opening: PromiseSettledResult<Target>,
): OpenedTarget | undefined {
  if (opening.status === 'fulfilled' || source === undefined) return undefined;
  if (!isPlannedFor(dryRun, opening.reason)) return undefined;
  observer.notice(`the target is not there (${messageOf(opening.reason)}): the plan is for an empty one`);
  return absentTarget(source.listing.objectFormat);
}

function opened<T extends AsyncDisposable>(settled: PromiseSettledResult<T>): T | undefined {
  return settled.status === 'fulfilled' ? settled.value : undefined;
}

function checkFormats(source: SourceListing, target: TargetListing): void {
  // An empty source sends no objects, and does not always tell its format (protocol v0 of git before 2.41, dumb HTTP).
  if (source.objectFormat === target.objectFormat || source.refs.size === 0) return;
  const hint =
    source.objectFormat === 'sha1' ? '; `cairn import --object-format sha256` converts a history' : '';
  throw new CairnError(
    'invalid',
    `the source uses ${source.objectFormat} and the target ${target.objectFormat}: objects cannot be sent without conversion${hint}`,
  );
}

async function attempt(request: MirrorRequest, run: MirrorRun, progress: Progress): Promise<void> {
  const { scope, policy, dryRun, bestEffort } = request;
  const input = { source: run.source.listing, target: run.target.listing, scope, policy };
  const ancestry = await findAncestry(run, ancestryPairs(input));
  const plan = withStrategies(planRefs(input, ancestry), run, run.limits);
  progress.plan = plan;
  progress.results.clear();
  if (plan.refs.length === 0) throw nothingInScope('mirror', input.source.refs);
  const isBlocked = plan.refs.some(({ action }) => action === 'block');
  if (dryRun || (isBlocked && !bestEffort)) return;
  const { remotes, signal } = request;
  const copied = remotes.copied?.bind(remotes);
  const openCopy = copied === undefined ? undefined : () => copied(refPrefixes(scope), signal);
  const groups = groupsOf(plan.refs);
  for (const [at, group] of groups.entries()) {
    // Nothing is deleted while what replaces it may not be there; but for what is in the way of new refs, which comes before them.
    const isLast = at === groups.length - 1 && group[0]?.action === 'delete';
    if (isLast && isMissing(plan, progress, bestEffort)) break;
    await carryOut(
      run,
      group,
      {
        result: (name, result) => progress.results.set(name, result),
        strategy: (...change) => progress.changeStrategy(...change),
      },
      openCopy,
    );
  }
  progress.leftovers = await deleteTemporaryRefs(run);
}

/** True if a ref has not become what it should; with `bestEffort` only branches and tags count, since hosts hide other refs. */
function isMissing({ refs }: Plan, { results }: Progress, bestEffort: boolean): boolean {
  return refs.some(({ kind, action, target }) => {
    if (bestEffort && kind === 'other') return false;
    const result = results.get(target);
    return action === 'block' || (result !== undefined && result.outcome !== 'applied');
  });
}

/** Changes that are sent together: deletions and others apart, in the order of the plan. */
function groupsOf(refs: readonly PlannedRef[]): PlannedRef[][] {
  const groups: PlannedRef[][] = [];
  for (const ref of refs) {
    if (ref.action === 'skip' || ref.action === 'block') continue;
    const last = groups.at(-1);
    const belongs = last !== undefined && (last[0]?.action === 'delete') === (ref.action === 'delete');
    if (belongs) last.push(ref);
    else groups.push([ref]);
  }
  return groups;
}

/** How a run ended that threw nothing: by what became of each ref. */
export function conclusion(
  refs: readonly MirroredRef[],
  dryRun: boolean,
  bestEffort: boolean,
  leftovers?: string,
): { readonly outcome: Outcome; readonly problem: string | undefined } {
  const counts = countsOf(refs);
  const done = counts.applied + counts.deleted;
  if (counts.moved > 0) {
    return { outcome: 'moved', problem: `somebody else has changed ${counted(counts.moved)} of the target` };
  }
  if (counts.blocked > 0) {
    const first = refs.find(({ action }) => action === 'block');
    const problem = `${counted(counts.blocked)} cannot be changed as asked: ${first?.target}: ${first?.reason}`;
    return { outcome: done > 0 ? 'partial' : 'blocked', problem };
  }
  if (dryRun) return { outcome: 'ok', problem: undefined };
  if (counts.refused > 0 && !bestEffort) {
    const problem = `the target has refused ${counted(counts.refused)}${firstRefusal(refs)}`;
    return { outcome: done > 0 ? 'partial' : 'blocked', problem };
  }
  if (counts.pending > 0) {
    return {
      outcome: 'partial',
      problem: `refs that the source does not have were not deleted, because ${counted(counts.refused)} could not be changed`,
    };
  }
  if (leftovers !== undefined) return { outcome: 'partial', problem: leftovers };
  return { outcome: 'ok', problem: undefined };
}

function firstRefusal(refs: readonly MirroredRef[]): string {
  const first = refs.find(({ result }) => result?.outcome === 'refused');
  return first?.result?.outcome === 'refused' ? `: ${first.target}: ${first.result.reason}` : '';
}

function counted(refs: number): string {
  return refs === 1 ? 'one ref' : `${refs} refs`;
}

/** Errors whose reason is in what was asked for. */
const CONFIGURATION: ReadonlySet<ErrorKind> = new Set([
  'invalid',
  'not-found',
  'unauthenticated',
  'forbidden',
  'too-large',
]);

/** How a run ended that threw an error. */
export function outcomeOf(error: unknown): Outcome {
  if (!isCairnError(error)) return 'transport';
  if (error.kind === 'conflict') return 'moved';
  return CONFIGURATION.has(error.kind) ? 'configuration' : 'transport';
}
