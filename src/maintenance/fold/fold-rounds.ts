/**
 * Occasional rounds through all repositories of a bucket, for folds that nobody asked for: those that were due when a server
 * ended, and those of changes by processes that do not fold. Each repository goes to the folding of its kind, as after a publish.
 */
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import type { Logger } from '../../observability/logger.ts';
import type { FossilManifest } from '../../repository/fossil/fossil-manifest.ts';
import type { FossilRepository } from '../../repository/fossil/fossil-repository.ts';
import type { GitManifest } from '../../repository/git/git-manifest.ts';
import type { Repositories } from '../../repository/repositories.ts';
import type { RepositoriesOfAllKinds } from '../../repository/repositories-of-all-kinds.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';

/** Approximate milliseconds between rounds. */
export const ROUND_EVERY_MS = 86_400_000;
/** Approximate milliseconds after a start without a round, because servers are often restarted one after another. */
export const FIRST_ROUND_MS = 1_800_000;
/** Milliseconds between two repositories of a round. */
const STEP_MS = 200;

/** Folds repositories of one kind if their published state needs it. */
interface FoldingOf<M> {
  published(id: RepositoryId, manifest: M): void;
}

export interface FoldRoundsOptions {
  readonly repositories: RepositoriesOfAllKinds<{
    readonly git: Repositories;
    readonly fossil: Repositories<FossilRepository>;
  }>;
  readonly git: FoldingOf<GitManifest>;
  readonly fossil: FoldingOf<FossilManifest>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export class FoldRounds {
  private readonly options: FoldRoundsOptions;
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(options: FoldRoundsOptions) {
    this.options = options;
  }

  start(): void {
    this.running ??= this.run();
  }

  async close(): Promise<void> {
    this.stopping.abort(new Error('the server is stopping'));
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    await this.sleep(FIRST_ROUND_MS);
    while (!signal.aborted) {
      try {
        await this.goRound();
      } catch (error) {
        this.options.log.warn(
          { problem: messageOf(error) },
          'a round through the repositories failed; it is tried again',
        );
      }
      await this.sleep(ROUND_EVERY_MS);
    }
  }

  private async goRound(): Promise<void> {
    const { repositories, git, fossil, log } = this.options;
    const listing = repositories.list((damage) => {
      log.warn({ problem: messageOf(damage) }, 'a repository was not checked for folding');
    });
    for await (const found of listing) {
      if (this.stopping.signal.aborted) return;
      // The causes were told when it was published.
      if (found.kind === 'git') git.published(found.id, { ...found.state.manifest, causes: [] });
      else fossil.published(found.id, found.state.manifest);
      await this.sleep(STEP_MS);
    }
  }

  /** Sleeps for about so long, so that servers do not go round together. Only the end of the server ends it early. */
  private async sleep(milliseconds: number): Promise<void> {
    const { clock, random } = this.options;
    const { signal } = this.stopping;
    await clock.sleep(milliseconds * (0.5 + random.fraction()), signal).catch(() => signal.aborted);
  }
}
