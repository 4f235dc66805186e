import { tableOf } from '../../git/index.ts';
import type { PublishedGitState } from '../../repository/git/git-manifest.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import { isPublic } from '../repository-access.ts';
import { showsObjects } from './shown-objects.ts';

/**
 * What one request sees of a repository. The store is asked at most once; what it said last will do if anyone may see it. Of
 * very many refs none need be loaded yet, but for those who say what they want.
 */
export class FetchLook {
  private readonly repository: GitRepository;
  private readonly recency: number;
  private asked: Promise<PublishedGitState | undefined> | undefined;

  /** @param recency milliseconds for which a look is good enough for a fetch of refs it showed */
  constructor(repository: GitRepository, recency: number) {
    this.repository = repository;
    this.recency = recency;
  }

  /** The state as it is now. */
  fresh(): Promise<PublishedGitState | undefined> {
    this.asked ??= this.repository.resolve('on-demand');
    return this.asked;
  }

  /** The state seen a moment ago if it may be read by anyone, else a fresh look. */
  async recent(): Promise<PublishedGitState | undefined> {
    const recent = await this.repository.peek(this.recency, 'on-demand');
    return recent !== undefined && isPublic(recent.manifest) ? recent : this.fresh();
  }

  /** A state recent enough for these wants; a look at the store is spared when all of them are refs just shown. */
  async showing(wants: readonly string[] | undefined): Promise<PublishedGitState | undefined> {
    const recent = wants === undefined ? undefined : await this.repository.peek(this.recency);
    if (wants === undefined || recent === undefined || !isPublic(recent.manifest)) return this.whole();
    return (await showsObjects(recent.manifest, wants)) ? recent : this.whole();
  }

  /** The state as it is now, with all its refs. */
  private async whole(): Promise<PublishedGitState | undefined> {
    const state = await this.fresh();
    if (state !== undefined) await tableOf(state.manifest.refs)?.ready();
    return state;
  }
}
