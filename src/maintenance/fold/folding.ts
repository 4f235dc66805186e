/**
 * Decides when git repositories are folded: after publishes of this process that leave enough to fold, one repository at
 * a time, and when a round ({@link FoldRounds}) finds them. No request waits for it.
 */

import { cooperate, filtered } from '../../lib/cooperative.ts';
import { messageOf } from '../../lib/errors.ts';
import { Limiter } from '../../lib/limiter.ts';
import { LruMap } from '../../lib/lru.ts';
import type { Logger } from '../../observability/logger.ts';
import type { GitManifest } from '../../repository/git/git-manifest.ts';
import type { Repositories } from '../../repository/repositories.ts';
import { formatRepositoryId, type RepositoryId } from '../../repository/repository-id.ts';
import { type FoldContext, type FoldMode, type FoldOutcome, foldRepository } from './fold.ts';
import { foldPause, isLastingFailure } from './fold-pause.ts';
import { foldPlan, gatherPlan } from './fold-plan.ts';
import { foldTrouble } from './fold-trouble.ts';

/** How a fold ended. `refused`: git cannot do a part of it and never will. `failed`: it may succeed later. */
export type FoldEnd = FoldOutcome['outcome'] | 'failed' | 'refused';

/** Receives the end of each fold. */
export interface FoldObserver {
  ended(end: FoldEnd, seconds: number): void;
}

export interface FoldingOptions extends Omit<FoldContext, 'holder' | 'onTrouble'> {
  readonly repositories: Repositories;
  readonly log: Logger;
  readonly observer: FoldObserver;
  /** False: only explicit requests fold. */
  readonly automatic: boolean;
}

/** Number of repositories whose deletions and failures are remembered. */
const REMEMBERED = 10_000;

interface Failure {
  readonly problem: string;
  /** True: git cannot walk the repository, so its packs are combined by size until the pause is over. */
  readonly gathers: boolean;
  readonly pause: number;
  /** Monotonic milliseconds. */
  readonly until: number;
}

export class Folding {
  private readonly options: FoldingOptions;
  private readonly context: FoldContext;
  private readonly waiting = new Map<string, RepositoryId>();
  private readonly deletions = new LruMap<string, number>(REMEMBERED);
  private readonly failures = new LruMap<string, Failure>(REMEMBERED);
  private readonly stopping = new AbortController();

  /** Number of repositories in the queue. */
  get queued(): number {
    return this.waiting.size;
  }

  /** One fold at a time, for all callers. */
  private readonly slot = new Limiter('folds', 1, Number.POSITIVE_INFINITY);
  private working: Promise<void> | undefined;

  constructor(options: FoldingOptions) {
    this.options = options;
    const { log, random } = options;
    this.context = {
      ...options,
      holder: random.hex(8),
      onTrouble: foldTrouble(log),
    };
  }

  /** Folds the repository soon if the published state needs it. Does not throw. */
  published(id: RepositoryId, manifest: GitManifest): void {
    if (!this.options.automatic || manifest.lifecycle !== 'live' || this.stopping.signal.aborted) return;
    this.notice(id, manifest).catch((error: unknown) => {
      const repository = formatRepositoryId(id);
      this.options.log.warn(
        { repository, problem: messageOf(error) },
        'a publish was not checked for folding',
      );
    });
  }

  private async notice(id: RepositoryId, manifest: GitManifest): Promise<void> {
    const name = formatRepositoryId(id);
    const named = manifest.causes.flatMap(({ refs }) => refs);
    const gone = (await cooperate(filtered(named, (ref) => !manifest.refs.has(ref)))).length;
    const deletions = (this.deletions.get(name) ?? 0) + gone;
    if (gone > 0) this.deletions.set(name, deletions, 1);
    if (this.stopping.signal.aborted || !this.isDue(name, manifest, deletions)) return;
    this.waiting.set(name, id);
    this.working ??= this.work();
  }

  /**
   * Folds a repository now, after the current fold.
   * @throws as {@link foldRepository}
   */
  async fold(id: RepositoryId, mode: FoldMode = 'full'): Promise<FoldOutcome> {
    const { signal } = this.stopping;
    const release = await this.slot.acquire(signal);
    const { clock, observer, log } = this.options;
    const name = formatRepositoryId(id);
    const began = clock.monotonic();
    let ended: FoldEnd = 'failed';
    try {
      const repository = this.options.repositories.get(id);
      const outcome = await foldRepository(
        this.context,
        repository,
        mode,
        this.deletions.get(name) ?? 0,
        signal,
      );
      ended = refusalOf(outcome) === undefined ? outcome.outcome : 'refused';
      // A full fold that changed nothing shows that the deleted refs left nothing to drop.
      const same = outcome.outcome === 'nothing to do' && outcome.same === true;
      if (outcome.outcome === 'folded' || same) this.deletions.delete(name);
      if (outcome.outcome === 'folded' || outcome.outcome === 'rolled up') {
        const { packs, objects } = outcome;
        log.info({ repository: name, outcome: outcome.outcome, packs, objects }, 'folded');
      }
      return outcome;
    } catch (error) {
      if (isLastingFailure(error)) ended = 'refused';
      throw error;
    } finally {
      release();
      observer.ended(ended, (clock.monotonic() - began) / 1000);
    }
  }

  /** Resolves when all folds caused by publishes are done. For tests, and for an orderly end. */
  async idle(): Promise<void> {
    while (this.working !== undefined) await this.working;
  }

  /** Stops the current fold. It publishes nothing, unless it was about to publish. */
  async close(): Promise<void> {
    this.stopping.abort(new Error('the server is stopping'));
    this.waiting.clear();
    await this.working;
  }

  private isDue(name: string, manifest: GitManifest, deletions: number): boolean {
    const { clock, grace } = this.options;
    const pausing = this.pausing(name);
    if (pausing !== undefined) return pausing.gathers && gatherPlan(manifest.packs).fold !== 'none';
    const now = Math.floor(clock.now() / 1000);
    return foldPlan(manifest.packs, { now, grace, deletions }).fold !== 'none';
  }

  /** The failure for which a repository is paused now. */
  private pausing(name: string): Failure | undefined {
    const failure = this.failures.get(name);
    return failure !== undefined && this.options.clock.monotonic() < failure.until ? failure : undefined;
  }

  private async work(): Promise<void> {
    for (let next = this.next(); next !== undefined; next = this.next()) {
      const [name, id] = next;
      this.waiting.delete(name);
      await this.attempt(name, id);
    }
    this.working = undefined;
  }

  /** The repository that has waited longest, without a failed one; undefined when there is none. */
  private next(): [name: string, id: RepositoryId] | undefined {
    let failed: [string, RepositoryId] | undefined;
    for (const entry of this.waiting) {
      if (this.failures.get(entry[0]) === undefined) return entry;
      failed ??= entry;
    }
    return failed;
  }

  /** Folds one repository. A failure pauses it and does not delay the others. */
  private async attempt(name: string, id: RepositoryId): Promise<void> {
    const mode = this.pausing(name)?.gathers === true ? 'gather' : 'due';
    try {
      const outcome = await this.fold(id, mode);
      const problem = refusalOf(outcome);
      if (problem !== undefined) this.failed(name, { problem, lasting: true, gathers: true });
      else if (mode === 'due') this.failures.delete(name);
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      const lasting = isLastingFailure(error);
      this.failed(name, { problem: messageOf(error), lasting, gathers: lasting && mode === 'due' });
    }
  }

  private failed(
    name: string,
    { problem, lasting, gathers }: Pick<Failure, 'problem' | 'gathers'> & { readonly lasting: boolean },
  ): void {
    const { clock, log } = this.options;
    const before = this.failures.get(name);
    const pause = foldPause(lasting, before?.pause);
    this.failures.set(name, { problem, gathers, pause, until: clock.monotonic() + pause }, 1);
    const told = { repository: name, problem, pause: pause / 1000 };
    if (!lasting) log.warn(told, 'a fold failed; it is tried again');
    // Log once: the same problem again is not news.
    else if (before?.problem !== problem) log.warn(told, 'git cannot fold all of a repository');
  }
}

function refusalOf(outcome: FoldOutcome): string | undefined {
  return 'refusal' in outcome ? outcome.refusal : undefined;
}
