/** Removes refs that somebody pushed for a pull request whose event never arrived (GRASP-01). */
import type { Clock } from '../../lib/clock.ts';
import type { GitManifest } from '../../repository/git/git-manifest.ts';
import type { Repositories } from '../../repository/repositories.ts';
import { formatRepositoryId, type RepositoryId } from '../../repository/repository-id.ts';
import type { EventReader } from '../events.ts';
import { goThrough, type UpkeepTask } from '../upkeep.ts';
import { PullRequestRemoval, pullRequestRefs } from './pull-request-refs.ts';

export interface PullRequestUpkeepContext {
  readonly events: Pick<EventReader, 'get'>;
  readonly repositories: Repositories;
  readonly clock: Clock;
}

/** How long a ref waits for its event, in milliseconds. */
export const PULL_REQUEST_WAITS_MS = 20 * 60 * 1000;

interface Waiting {
  readonly id: RepositoryId;
  /** By name of the ref: when it was first seen without its event, in monotonic milliseconds. */
  readonly since: Map<string, number>;
}

export class PullRequestUpkeep implements UpkeepTask {
  readonly name = 'pull requests without events';
  private readonly context: PullRequestUpkeepContext;
  private readonly waiting = new Map<string, Waiting>();

  constructor(context: PullRequestUpkeepContext) {
    this.context = context;
  }

  /** Notes a publish. A server that has seen a ref wait for the whole time removes it. */
  note(id: RepositoryId, manifest: GitManifest): void {
    const name = formatRepositoryId(id);
    const known = this.waiting.get(name)?.since;
    const since = new Map<string, number>();
    for (const { name: ref, standing } of pullRequestRefs(manifest, this.context.events)) {
      if (standing === 'missing') since.set(ref, known?.get(ref) ?? this.context.clock.monotonic());
    }
    if (since.size === 0) this.waiting.delete(name);
    else this.waiting.set(name, { id, since });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, events, repositories } = this.context;
    const before = clock.monotonic() - PULL_REQUEST_WAITS_MS;
    await goThrough(
      this.waiting,
      signal,
      ([name]) => name,
      async ([name, { id, since }]) => {
        const due = new Set([...since].flatMap(([ref, at]) => (at <= before ? ref : [])));
        if (due.size === 0) return;
        const repository = repositories.get(id);
        await repository.publisher.join(new PullRequestRemoval(repository.mark(), due, events));
        for (const ref of due) since.delete(ref);
        // A publish may have been noted meanwhile, with refs that still wait.
        if (since.size === 0 && this.waiting.get(name)?.since === since) this.waiting.delete(name);
      },
    );
  }
}
