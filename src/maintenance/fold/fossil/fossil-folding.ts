/**
 * Decides when Fossil repositories are folded: after publishes of this process that leave enough to fold, one at a time. A failed
 * fold is tried again after a pause, whether or not anything is published meanwhile.
 */
import { messageOf } from '../../../lib/errors.ts';
import { LruMap } from '../../../lib/lru.ts';
import type { Logger } from '../../../observability/logger.ts';
import type { FossilManifest } from '../../../repository/fossil/fossil-manifest.ts';
import type { FossilRepository } from '../../../repository/fossil/fossil-repository.ts';
import type { Repositories } from '../../../repository/repositories.ts';
import { formatRepositoryId, type RepositoryId } from '../../../repository/repository-id.ts';
import { foldPause, isLastingFailure } from '../fold-pause.ts';
import { foldTrouble } from '../fold-trouble.ts';
import type { FoldObserver } from '../folding.ts';
import { type FossilFoldContext, type FossilFoldOutcome, foldFossil } from './fossil-fold.ts';
import { fossilFoldPlan } from './fossil-fold-plan.ts';

/** Packs that have not been folded with which a repository is folded although it is not quiet. */
const MOST_UNFOLDED = 64;

/**
 * Repositories whose last failure is remembered, and length of the queue from which on a failed one leaves it: then its next publish
 * adds it again.
 */
const REMEMBERED = 10_000;

/** A repository in the queue. */
interface Waiting {
  readonly id: RepositoryId;
  /** Monotonic milliseconds from which on it may be folded. */
  readonly from: number;
}

interface Failure {
  /** Milliseconds. */
  readonly pause: number;
  /** Monotonic milliseconds. */
  readonly until: number;
}

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
  private readonly waiting = new Map<string, Waiting>();
  private readonly failures = new LruMap<string, Failure>(REMEMBERED);
  private readonly stopping = new AbortController();
  private working: Promise<void> | undefined;
  /** Present while no repository may be folded yet. */
  private sleeping: { readonly until: number; readonly alarm: AbortController } | undefined;

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
    if (fossilFoldPlan(packs, 'due') === undefined) return;
    const now = this.options.clock.monotonic();
    const isUrgent = packs.filter(({ kind }) => kind !== 'fold').length >= MOST_UNFOLDED;
    const from = isUrgent ? now : now + (this.options.quiet ?? 0);
    // A failed fold is not tried again at every publish.
    const failure = this.failures.get(formatRepositoryId(id));
    this.enqueue(id, Math.max(from, failure?.until ?? from));
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

  /** Resolves when all folds caused by publishes are done, also those that are tried again. */
  async idle(): Promise<void> {
    while (this.working !== undefined) await this.working;
  }

  /** Stops the current fold. It publishes nothing, unless it was about to publish. */
  async close(): Promise<void> {
    this.stopping.abort(new Error('the server is stopping'));
    this.waiting.clear();
    this.sleeping?.alarm.abort();
    await this.working;
  }

  private enqueue(id: RepositoryId, from: number): void {
    this.waiting.set(formatRepositoryId(id), { id, from });
    if (this.sleeping !== undefined && from < this.sleeping.until) this.sleeping.alarm.abort();
    this.working ??= this.work();
  }

  private async work(): Promise<void> {
    const { clock } = this.options;
    const { signal } = this.stopping;
    for (let next = this.next(); next !== undefined && !signal.aborted; next = this.next()) {
      const [name, { id, from }] = next;
      if (from > clock.monotonic()) {
        await this.sleep(from);
        continue;
      }
      this.waiting.delete(name);
      await this.attempt(name, id);
    }
    this.working = undefined;
  }

  /** Sleeps until a time, or until a repository comes that may be folded before it, or until the server stops. */
  private async sleep(until: number): Promise<void> {
    const { clock } = this.options;
    const alarm = new AbortController();
    this.sleeping = { until, alarm };
    await clock.sleep(until - clock.monotonic(), alarm.signal).catch(() => undefined);
    this.sleeping = undefined;
  }

  /** Folds one repository. A failure delays no other one. */
  private async attempt(name: string, id: RepositoryId): Promise<void> {
    try {
      await this.fold(id, 'due');
      this.failures.delete(name);
    } catch (error) {
      if (!this.stopping.signal.aborted) this.failed(name, id, error);
    }
  }

  private failed(name: string, id: RepositoryId, error: unknown): void {
    const { clock, log } = this.options;
    const pause = foldPause(isLastingFailure(error), this.failures.get(name)?.pause);
    const until = clock.monotonic() + pause;
    this.failures.set(name, { pause, until }, 1);
    const told = { repository: name, problem: messageOf(error), pause: pause / 1000 };
    log.warn(told, 'a fold failed; it is tried again');
    if (this.waiting.size < REMEMBERED) this.enqueue(id, until);
  }

  /** The repository that may be folded first. */
  private next(): readonly [name: string, Waiting] | undefined {
    let first: readonly [name: string, Waiting] | undefined;
    for (const entry of this.waiting) {
      if (first === undefined || entry[1].from < first[1].from) first = entry;
    }
    return first;
  }
}
