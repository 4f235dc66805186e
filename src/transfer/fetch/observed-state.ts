import { tableOf } from '../../git/index.ts';
import type { PublishedGitState } from '../../repository/git/git-manifest.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import { isPublic } from '../repository-access.ts';
import { showsObjects } from './shown-objects.ts';

/**
 * The published state as one request observes it. The store is asked at most once. A recent observation suffices for public
 * repositories. Large ref tables load lazily, except for fetches with wants.
 */
export class ObservedState {
  private readonly repository: GitRepository;
  private readonly recency: number;
  private asked: Promise<PublishedGitState | undefined> | undefined;

  /** @param recency age in milliseconds up to which an observation suffices for a fetch of refs it contains */
  constructor(repository: GitRepository, recency: number) {
    this.repository = repository;
    this.recency = recency;
  }

  /** The state that is published now. */
  fresh(): Promise<PublishedGitState | undefined> {
    this.asked ??= this.repository.resolve('on-demand');
    return this.asked;
  }

  /** The recent state if there is one and it is public; else the state that is published now. */
  async recent(): Promise<PublishedGitState | undefined> {
    const recent = await this.repository.peek(this.recency, 'on-demand');
    return recent !== undefined && isPublic(recent.manifest) ? recent : this.fresh();
  }

  /** A state recent enough for these wants. The store is not asked if a recent public state advertises all of them. */
  async showing(wants: readonly string[] | undefined): Promise<PublishedGitState | undefined> {
    const recent = wants === undefined ? undefined : await this.repository.peek(this.recency);
    if (wants === undefined || recent === undefined || !isPublic(recent.manifest)) return this.whole();
    return (await showsObjects(recent.manifest, wants)) ? recent : this.whole();
  }

  /** The state that is published now, with all its refs loaded. */
  private async whole(): Promise<PublishedGitState | undefined> {
    const state = await this.fresh();
    if (state !== undefined) await tableOf(state.manifest.refs)?.ready();
    return state;
  }
}
