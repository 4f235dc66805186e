import type { Digest } from '../lib/digest.ts';
import type { GitManifest } from '../repository/git/git-manifest.ts';
import type { RepositoryId } from '../repository/repository-id.ts';

/** Hears of a publish of this process, after whoever asked for it. Returns at once and does not throw. */
export type PublishSubscriber = (id: RepositoryId, manifest: GitManifest, digest: Digest) => void;

/**
 * Everybody who hears of the publishes of this process, in one list and in its order. Repositories are opened before most
 * subscribers, which need them. So the list is completed later, and no publish can happen before that.
 */
export class PublishSubscribers {
  private readonly subscribers: PublishSubscriber[] = [];
  private isComplete = false;

  /** @throws Error when the list is complete: the subscriber would have missed publishes */
  add(subscriber: PublishSubscriber): void {
    if (this.isComplete) throw new Error('publishes may have happened already');
    this.subscribers.push(subscriber);
  }

  /** From now on publishes may happen. */
  complete(): void {
    this.isComplete = true;
  }

  /** Tells everybody of a publish. @throws Error when the list is not complete yet */
  readonly published: PublishSubscriber = (id, manifest, digest) => {
    if (!this.isComplete)
      throw new Error('a publish happened before everybody who must hear of it was there');
    for (const subscriber of this.subscribers) subscriber(id, manifest, digest);
  };
}
