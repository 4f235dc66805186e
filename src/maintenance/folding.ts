/**
 * When repositories are folded: after publishes of this process that leave enough to fold, one repository at a time, and
 * now and then by going through all of them, for what no publish tells of. Nobody waits for it.
 */

import { messageOf } from '../lib/errors.ts';
import { Limiter } from '../lib/limiter.ts';
import { LruMap } from '../lib/lru.ts';
import { filtered, inSlices } from '../lib/turns.ts';
import type { Logger } from '../observability/logger.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { Repositories } from '../repository/repositories.ts';
import { formatRepositoryId, type RepositoryId } from '../repository/repository-id.ts';
import { type FoldContext, type FoldMode, type FoldOutcome, foldRepository } from './fold.ts';
import { foldPlan } from './fold-plan.ts';

/** Hears how folds end. */
export interface FoldObserver {
  ended(outcome: FoldOutcome['outcome'] | 'failed', seconds: number): void;
}

export interface FoldingOptions extends Omit<FoldContext, 'holder' | 'onTrouble'> {
  readonly repositories: Repositories;
  readonly log: Logger;
  readonly observer: FoldObserver;
  /** False: nothing is folded that nobody has asked for. */
  readonly automatic: boolean;
}

/** Milliseconds before a repository whose fold has failed is tried again, doubled each time. */
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 86_400_000;
/** Milliseconds between rounds through all repositories, about. */
const ROUND_EVERY_MS = 86_400_000;
/** Milliseconds after a start, about, in which no round is begun: servers are started one after another, and often. */
const FIRST_ROUND_MS = 1_800_000;
/** Milliseconds from one repository of a round to the next. */
const STEP_MS = 200;
/** Repositories of which deletions and failures are remembered. */
const REMEMBERED = 10_000;

interface Failure {
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

  /** Repositories that wait to be folded. */
  get queued(): number {
    return this.waiting.size;
  }

  /** One fold at a time, whoever asks for it. */
  private readonly place = new Limiter('folds', 1, Number.POSITIVE_INFINITY);
  private working: Promise<void> | undefined;
  private rounds: Promise<void> | undefined;

  constructor(options: FoldingOptions) {
    this.options = options;
    const { log, dice } = options;
    this.context = {
      ...options,
      holder: dice.hex(8),
      onTrouble: (id, error) =>
        log.warn(
          { repository: formatRepositoryId(id), problem: messageOf(error) },
          'a fold goes on, but not all went well',
        ),
    };
  }

  /** Begins to go through all repositories now and then. */
  start(): void {
    if (this.options.automatic) this.rounds ??= this.goRound();
  }

  /** Folds the repository soon if what has just been published says so. Does not throw. */
  published(id: RepositoryId, manifest: Manifest): void {
    if (!this.options.automatic || manifest.state !== 'live' || this.stopping.signal.aborted) return;
    this.notice(id, manifest).catch((error: unknown) => {
      const repository = formatRepositoryId(id);
      this.options.log.warn(
        { repository, problem: messageOf(error) },
        'a publish was not noticed for folding',
      );
    });
  }

  private async notice(id: RepositoryId, manifest: Manifest): Promise<void> {
    const name = formatRepositoryId(id);
    const named = manifest.causes.flatMap(({ refs }) => refs);
    const gone = (await inSlices(filtered(named, (ref) => !manifest.refs.has(ref)))).length;
    const deletions = (this.deletions.get(name) ?? 0) + gone;
    if (gone > 0) this.deletions.set(name, deletions, 1);
    if (this.stopping.signal.aborted || !this.isDue(name, manifest, deletions)) return;
    this.waiting.set(name, id);
    this.working ??= this.work();
  }

  /**
   * Folds a repository now, after whatever is being folded.
   * @throws as {@link foldRepository}
   */
  async fold(id: RepositoryId, mode: FoldMode = 'full'): Promise<FoldOutcome> {
    const { signal } = this.stopping;
    const release = await this.place.acquire(signal);
    const { clock, observer, log } = this.options;
    const name = formatRepositoryId(id);
    const began = clock.monotonic();
    let ended: FoldOutcome['outcome'] | 'failed' = 'failed';
    try {
      const repository = this.options.repositories.get(id);
      const outcome = await foldRepository(
        this.context,
        repository,
        mode,
        this.deletions.get(name) ?? 0,
        signal,
      );
      ended = outcome.outcome;
      // A full fold that changes nothing has shown that what was deleted left nothing to be gathered.
      const same = outcome.outcome === 'nothing to do' && outcome.same === true;
      if (outcome.outcome === 'folded' || same) this.deletions.delete(name);
      if (outcome.outcome === 'folded' || outcome.outcome === 'rolled up') {
        const { packs, objects } = outcome;
        log.info({ repository: name, outcome: ended, packs, objects }, 'folded');
      }
      return outcome;
    } finally {
      release();
      observer.ended(ended, (clock.monotonic() - began) / 1000);
    }
  }

  /** Resolves when nothing that a publish has led to is left to fold. For tests, and for an orderly end. */
  async idle(): Promise<void> {
    while (this.working !== undefined) await this.working;
  }

  /** Ends what is being folded: nothing of it is published, unless it was about to be. */
  async close(): Promise<void> {
    this.stopping.abort(new Error('the server is stopping'));
    this.waiting.clear();
    await this.working;
    await this.rounds;
  }

  private isDue(name: string, manifest: Manifest, deletions: number): boolean {
    const { clock, grace } = this.options;
    const failure = this.failures.get(name);
    if (failure !== undefined && clock.monotonic() < failure.until) return false;
    const now = Math.floor(clock.now() / 1000);
    return foldPlan(manifest.packs, { now, grace, deletions }).fold !== 'none';
  }

  private async work(): Promise<void> {
    for (const [name, id] of this.waiting) {
      this.waiting.delete(name);
      await this.attempt(name, id);
    }
    this.working = undefined;
  }

  /** One repository in trouble keeps none of the others waiting, and is left alone for a while. */
  private async attempt(name: string, id: RepositoryId): Promise<void> {
    try {
      await this.fold(id, 'due');
      this.failures.delete(name);
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      const { clock, log } = this.options;
      const pause = Math.min(LONGEST_PAUSE_MS, 2 * (this.failures.get(name)?.pause ?? FIRST_PAUSE_MS / 2));
      this.failures.set(name, { pause, until: clock.monotonic() + pause }, 1);
      log.warn(
        { repository: name, problem: messageOf(error), pause: pause / 1000 },
        'a repository was not folded; it is tried again',
      );
    }
  }

  private async goRound(): Promise<void> {
    const { clock, dice, log, repositories } = this.options;
    const { signal } = this.stopping;
    const sleep = (milliseconds: number) =>
      clock.sleep(milliseconds * (0.5 + dice.fraction()), signal).catch(() => signal.aborted);
    await sleep(FIRST_ROUND_MS);
    while (!signal.aborted) {
      try {
        for await (const { id, state } of repositories.list(undefined, (damage) => {
          log.warn({ problem: messageOf(damage) }, 'a repository was not looked at for folding');
        })) {
          if (signal.aborted) return;
          this.published(id, { ...state.manifest, causes: [] });
          await sleep(STEP_MS);
        }
      } catch (error) {
        log.warn(
          { problem: messageOf(error) },
          'repositories were not gone through for folding; it is tried again',
        );
      }
      await sleep(ROUND_EVERY_MS);
    }
  }
}
