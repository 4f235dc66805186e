/** A repository from elsewhere becomes one here, or is brought up to date, without a push. */
import { isZeroId, zeroId } from '../../git/index.ts';
import { CairnError, isCairnError, messageOf } from '../../lib/errors.ts';
import { localProblem } from '../../lib/system-error.ts';
import type { PublishedGitState } from '../../repository/git/git-manifest.ts';
import type { RefusedPack } from '../../repository/intake/take-in-pack.ts';
import { type PlannedRef, pairKey } from '../plan/plan.ts';
import { checkScope, nothingInScope } from '../plan/ref-scope.ts';
import type { SourceListing } from '../remote/source.ts';
import { canServeParts } from '../run/copy-source.ts';
import { fetchPack } from '../run/fetch-pack.ts';
import { withLikelyCause } from '../run/lacking.ts';
import type { MirroredRef, Outcome } from '../run/mirror-result.ts';
import type { PeekedPack } from '../run/peek-pack.ts';
import { isMade, type RefResult } from '../run/push-refs.ts';
import { conclusion, type Failure, outcomeOf } from '../run/run-mirror.ts';
import { fetchPieces } from './fetch-pieces.ts';
import { fetchingRun, havesOf } from './fetching-run.ts';
import {
  type ImportContext,
  type ImportedState,
  type ImportRequest,
  type ImportResult,
  usualPieces,
} from './import-request.ts';
import { type ImportPlan, planImport } from './plan-import.ts';
import { type ExpectedChange, publishImport } from './publish-import.ts';
import { temporaryRefs } from './temporary-refs.ts';

/** How often a plan is made, when the source or the repository changes while it is carried out. */
const MOST_ATTEMPTS = 5;

/**
 * Imports refs of a source, and the objects that they reach, into a repository. The pack of the source is stored directly,
 * and all refs change in one publish. It never throws: errors are in the result, with the changes made before.
 *
 * A source with very much to send is fetched in several packs. Each is published behind a temporary ref, so that an import that was
 * interrupted, in whatever way, goes on from there when it is run again.
 */
export async function importInto(context: ImportContext, request: ImportRequest): Promise<ImportResult> {
  const run = new ImportRun(context, request);
  try {
    await run.run();
  } catch (error) {
    const cause = localProblem(error) ?? error;
    if (request.signal.aborted) run.fail('interrupted', 'it was stopped', error);
    else run.fail(outcomeOf(cause), messageOf(cause), cause);
  }
  return run.result();
}

/** A plan was made on a state, or of a source, that is another one by now. */
class Outdated extends Error {}

class ImportRun {
  private readonly context: ImportContext;
  private readonly request: ImportRequest;
  private readonly listed: SourceListing;
  private plan: ImportPlan = { refs: [], sourceHead: undefined, unproven: [] };
  /** Pairs that were found to be no ancestors when their objects had come. */
  private readonly diverged = new Set<string>();
  private readonly results = new Map<string, RefResult>();
  private attempts = 0;
  private failure: Failure | undefined;
  private published: ImportedState | undefined;
  private state: ImportedState | undefined;
  private readonly amount = { packs: 0, objects: 0, bytes: 0 };

  constructor(context: ImportContext, request: ImportRequest) {
    this.context = context;
    this.request = request;
    this.listed = request.source.listing;
  }

  fail(outcome: Outcome, problem: string, error?: unknown): void {
    this.failure = { outcome, problem, ...(error === undefined ? {} : { error }) };
  }

  result(): ImportResult {
    const { plan, listed: source, attempts, published, state, amount, request } = this;
    const refs = plan.refs.map((ref): MirroredRef => {
      const result = this.results.get(ref.target);
      return result === undefined ? ref : { ...ref, result };
    });
    const ended = this.failure ?? conclusion(refs, request.dryRun, request.bestEffort);
    return { ...ended, refs, sourceHead: plan.sourceHead, source, attempts, published, state, ...amount };
  }

  async run(): Promise<void> {
    const { source, scope, observer, signal } = this.request;
    checkScope(scope);
    for (;;) {
      signal.throwIfAborted();
      this.attempts += 1;
      let reason: string;
      try {
        await this.attempt();
        const moved = [...this.results.values()].some(({ outcome }) => outcome === 'moved');
        if (!moved || this.attempts === MOST_ATTEMPTS) return;
        reason = 'refs of the repository have changed meanwhile';
      } catch (error) {
        // A source that no longer has what it listed says `conflict`.
        if (!(error instanceof Outdated) && !isCairnError(error, 'conflict')) throw error;
        reason = messageOf(error);
        if (this.attempts === MOST_ATTEMPTS) {
          this.fail('moved', `${reason}; it was tried ${MOST_ATTEMPTS} times`);
          return;
        }
      }
      observer.notice(`${reason}: planning again`);
      await source.relist(signal);
    }
  }

  private async attempt(): Promise<void> {
    const { context, request } = this;
    const { repository, source, dryRun, bestEffort } = request;
    const published = await repository.resolve();
    this.checkState(published);
    this.state = published && { digest: published.digest, depth: published.manifest.depth };
    this.plan = await planImport(context, request, published, this.diverged);
    const { refs } = this.plan;
    this.results.clear();
    const leftOver = temporaryRefs(published?.manifest, request.keeper?.id);
    if (refs.length === 0 && leftOver.length === 0) throw nothingInScope('import', source.listing.refs);
    if (dryRun || (refs.some(({ action }) => action === 'block') && !bestEffort)) return;
    const changes = plannedChanges(refs);
    if (changes.length > 0 || leftOver.length > 0 || this.headDiffers(published)) {
      await this.carryOut(changes, published);
    }
  }

  private checkState(published: PublishedGitState | undefined): void {
    const { repository, source, create } = this.request;
    if (published === undefined) {
      if (!create) throw new CairnError('not-found', `there is no repository ${repository}`);
      return;
    }
    const { lifecycle, objectFormat } = published.manifest;
    if (lifecycle === 'withdrawn') throw new CairnError('not-found', `${repository} was withdrawn`);
    // An empty source has no objects, and does not always tell its format.
    if (source.listing.objectFormat === objectFormat || source.listing.refs.size === 0) return;
    throw new CairnError(
      'invalid',
      `the source uses ${source.listing.objectFormat} and the repository ${objectFormat}: objects cannot be copied without conversion`,
    );
  }

  /** A repository that becomes like the source gets its default branch, too. */
  private headDiffers(published: PublishedGitState | undefined): boolean {
    const head = this.headHere();
    if (this.request.policy.mode !== 'replicate' || head === undefined || published === undefined)
      return false;
    return published.manifest.head !== head && published.manifest.refs.has(head);
  }

  /** The local name of the branch of the source's HEAD; undefined if it is not mirrored, or not a branch here. */
  private headHere(): string | undefined {
    const { refs, sourceHead } = this.plan;
    if (sourceHead === undefined || this.request.into !== undefined) return undefined;
    return refs.find(({ source, kind }) => source === sourceHead && kind === 'branch')?.target;
  }

  private async carryOut(
    changes: readonly PlannedRef[],
    published: PublishedGitState | undefined,
  ): Promise<void> {
    const { context, request } = this;
    const { repository } = request;
    const pack = await this.fetch(changes, published);
    // Pieces that were fetched have left refs of their own.
    const base = await repository.known();
    const temporary = temporaryRefs(base?.manifest, request.keeper?.id);
    const objectFormat = published?.manifest.objectFormat ?? request.source.listing.objectFormat;
    const zero = zeroId(objectFormat);
    const removed = temporary.map((name): ExpectedChange => ({ name, newId: zero, oldId: undefined }));
    request.observer.phase(pack === undefined ? 'waiting' : 'relaying');
    const outcome = await publishImport(context, request, {
      objectFormat,
      changes: [...changes.map(({ target, newId, oldId }) => ({ name: target, newId, oldId })), ...removed],
      forward: this.plan.unproven.map(({ target: name, oldId, newId }) => ({ name, oldId, newId })),
      pack,
      head: this.headHere(),
      onBytes: this.onBytes,
    });
    if (outcome.outcome === 'refused') return this.refused(changes, outcome, base);
    const { manifest, digest } = outcome.committed;
    if (digest !== undefined && manifest !== undefined) {
      this.published = { digest, depth: manifest.depth };
      this.state = this.published;
    }
    for (const { target, newId } of changes) {
      const isDone = isMade({ newId }, manifest?.refs.get(target));
      this.results.set(
        target,
        isDone
          ? { outcome: 'applied' }
          : { outcome: 'moved', reason: 'somebody else has changed it meanwhile' },
      );
    }
  }

  /** The error may be caused by a changed state; then another plan is made. */
  private async refused(
    changes: readonly PlannedRef[],
    { reason, diverged = [] }: RefusedPack,
    base: PublishedGitState | undefined,
  ): Promise<void> {
    if (diverged.length > 0) {
      const lost = new Set(diverged);
      for (const { target, oldId, newId } of changes)
        if (lost.has(target)) this.diverged.add(pairKey(oldId, newId));
      throw new Outdated(reason);
    }
    const now = await this.request.repository.resolve();
    if (now?.digest !== base?.digest && this.attempts < MOST_ATTEMPTS) throw new Outdated(reason);
    const why = withLikelyCause(reason);
    for (const { target } of changes) this.results.set(target, { outcome: 'refused', reason: why });
    this.fail('blocked', `the pack of the source was refused: ${why}`);
  }

  /** Fetches what the changes need: all of it in one pack, or all but the last pack of several. */
  private async fetch(
    changes: readonly PlannedRef[],
    published: PublishedGitState | undefined,
  ): Promise<PeekedPack | undefined> {
    const { context, request } = this;
    const { repository, source, pieces = usualPieces } = request;
    const wants = wantsOf(changes, published);
    if (wants.length === 0) return undefined;
    const run = fetchingRun(context, request);
    const haves = (state: PublishedGitState | undefined) =>
      havesOf(
        state?.manifest,
        changes.map(({ target }) => target),
      );
    const whole = await fetchPack(run, { wants, haves: haves(published) });
    const { objects } = whole;
    if (objects <= pieces.most || !canServeParts(source.listing)) return this.counting(whole);
    await whole.pack[Symbol.asyncIterator]().return?.();
    const refs = changes.filter(({ strategy }) => strategy === 'import');
    const told = { onPack: this.onPack, onBytes: this.onBytes };
    await fetchPieces(context, request, published, { refs, wants, objects, each: pieces.each, ...told });
    return this.counting(await fetchPack(run, { wants, haves: haves(await repository.resolve()) }));
  }

  private counting(pack: PeekedPack): PeekedPack {
    this.onPack(pack.objects);
    return pack;
  }

  private readonly onPack = (objects: number): void => {
    this.amount.packs += 1;
    this.amount.objects += objects;
  };

  private readonly onBytes = (bytes: number): void => {
    this.amount.bytes += bytes;
  };
}

/** What no ref here points at. */
function wantsOf(changes: readonly PlannedRef[], published: PublishedGitState | undefined): string[] {
  const here = new Set(published?.manifest.refs.values());
  return [...new Set(changes.map(({ newId }) => newId))].filter((oid) => !isZeroId(oid) && !here.has(oid));
}

/** The changes of a plan that are made. Nothing is deleted while what replaces it may be blocked, but for what is in the way of new refs. */
function plannedChanges(refs: readonly PlannedRef[]): PlannedRef[] {
  const changes = refs.filter(({ action }) => action !== 'skip' && action !== 'block');
  if (!refs.some(({ action, kind }) => action === 'block' && kind !== 'other')) return changes;
  return changes.slice(0, changes.findLastIndex(({ action }) => action !== 'delete') + 1);
}
