/** Decides when Fossil repositories are folded: after publishes of this process that leave enough to fold, one at a time. */
import { messageOf } from '../../../lib/errors.ts';
import { LruMap } from '../../../lib/lru.ts';
import type { Logger } from '../../../observability/logger.ts';
import type { FossilManifest } from '../../../repository/fossil/fossil-manifest.ts';
import type { FossilRepository } from '../../../repository/fossil/fossil-repository.ts';
import type { Repositories } from '../../../repository/repositories.ts';
import { formatRepositoryId, type RepositoryId } from '../../../repository/repository-id.ts';
import { foldTrouble } from '../fold-trouble.ts';
import type { FoldObserver } from '../folding.ts';
import { type FossilFoldContext, type FossilFoldOutcome, foldFossil } from './fossil-fold.ts';
import { fossilFoldPlan } from './fossil-fold-plan.ts';

/** Milliseconds before a failed fold is tried again. */
const PAUSE_MS = 600_000;

/** Packs that have not been folded with which a repository is folded although it is not quiet. */
const MOST_UNFOLDED = 64;

/** Repositories whose last failure is remembered. */
const REMEMBERED = 10_000;

export interface FossilFoldingOptions extends Omit<FossilFoldContext, 'holder' | 'onTrouble'> {
  readonly repositories: Repositories<FossilRepository>;
  readonly log: Logger;
  readonly observer: FoldObserver;
  /** Milliseconds without a publish before a repository is folded: the rounds of a large push are not disturbed. 0 if absent. */
  readonly quiet?: number;
  /** False: only explicit requests fold. */
  readonly automatic: boolean;
}

export class FossilFolding {
  private readonly options: FossilFoldingOptions;
  private readonly context: FossilFoldContext;
  /** Repositories to fold, and the monotonic milliseconds from which on each may be. */
  private readonly waiting = new Map<string, { readonly id: RepositoryId; readonly from: number }>();
  /** Monotonic milliseconds of the last failure, by repository. */
  private readonly failures = new LruMap<string, number>(REMEMBERED);
  private readonly stopping = new AbortController();
  private working: Promise<void> | undefined;

  constructor(options: FossilFoldingOptions) {
    this.options = options;
    const { log, random } = options;
    this.context = {
      ...options,
      holder: random.hex(8),
      onTrouble: foldTrouble(log),
    };
  }

  /** Number of repositories in the queue. */
  get queued(): number {
    return this.waiting.size;
  }

  /** Folds the repository soon if the published state needs it. Does not throw. */
  published(id: RepositoryId, { packs, lifecycle }: FossilManifest): void {
    if (!this.options.automatic || lifecycle !== 'live' || this.stopping.signal.aborted) return;
    const name = formatRepositoryId(id);
    const failed = this.failures.get(name);
    const now = this.options.clock.monotonic();
    const isPausing = failed !== undefined && now < failed + PAUSE_MS;
    if (isPausing || fossilFoldPlan(packs, 'due') === undefined) return;
    const isUrgent = packs.filter(({ kind }) => kind !== 'fold').length >= MOST_UNFOLDED;
    this.waiting.set(name, { id, from: isUrgent ? now : now + (this.options.quiet ?? 0) });
    this.working ??= this.work();
  }

  /** Folds a repository now. @throws as `foldFossil` */
  async fold(id: RepositoryId, mode: 'due' | 'full' = 'full'): Promise<FossilFoldOutcome> {
    const { clock, observer, log, repositories } = this.options;
    const began = clock.monotonic();
    let ended: FossilFoldOutcome['outcome'] | 'failed' = 'failed';
    try {
      const outcome = await foldFossil(this.context, repositories.get(id), mode, this.stopping.signal);
      ended = outcome.outcome;
      if (outcome.outcome === 'folded') {
        const { packs, records: objects } = outcome;
        log.info({ repository: formatRepositoryId(id), outcome: 'folded', packs, objects }, 'folded');
      }
      return outcome;
    } finally {
      observer.ended(ended, (clock.monotonic() - began) / 1000);
    }
  }

  /** Resolves when all folds caused by publishes are done. */
  async idle(): Promise<void> {
    while (this.working !== undefined) await this.working;
  }

  /** Stops the current fold. It publishes nothing, unless it was about to publish. */
  async close(): Promise<void> {
    this.stopping.abort(new Error('the server is stopping'));
    this.waiting.clear();
    await this.working;
  }

  private async work(): Promise<void> {
    const { clock, log } = this.options;
    const { signal } = this.stopping;
    for (let next = this.next(); next !== undefined && !signal.aborted; next = this.next()) {
      const [name, { id, from }] = next;
      const rest = from - clock.monotonic();
      if (rest > 0) {
        // Only the end of the server ends the sleep early.
        await clock.sleep(rest, signal).catch(() => undefined);
        continue;
      }
      this.waiting.delete(name);
      try {
        await this.fold(id, 'due');
        this.failures.delete(name);
      } catch (error) {
        if (signal.aborted) break;
        this.failures.set(name, clock.monotonic(), 1);
        log.warn(
          { repository: name, problem: messageOf(error), pause: PAUSE_MS / 1000 },
          'a fold failed; it is tried again',
        );
      }
    }
    this.working = undefined;
  }

  /** The repository that may be folded first. */
  private next(): readonly [name: string, { readonly id: RepositoryId; readonly from: number }] | undefined {
    let first: ReturnType<FossilFolding['next']>;
    for (const entry of this.waiting) {
      if (first === undefined || entry[1].from < first[1].from) first = entry;
    }
    return first;
  }
}
