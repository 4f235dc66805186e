import type { Digest } from '../lib/digest.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { RepositoryId } from '../repository/repository-id.ts';

/** Called for each publish of this process, after the caller of the publish. Returns at once and does not throw. */
export type PublishSubscriber<M extends Manifest> = (id: RepositoryId, manifest: M, digest: Digest) => void;

/**
 * All subscribers to the publishes of one kind of repository in this process, in one ordered list. Most subscribers need the repositories, so
 * those are opened first and the list is completed later. No publish can happen before that.
 */
export class PublishSubscribers<M extends Manifest> {
  private readonly subscribers: PublishSubscriber<M>[] = [];
  private isComplete = false;

  /** @throws Error when the list is complete, because the subscriber would have missed publishes */
  add(subscriber: PublishSubscriber<M>): void {
    if (this.isComplete) throw new Error('too late to subscribe: publishes may have happened');
    this.subscribers.push(subscriber);
  }

  /** Completes the list. From now on publishes may happen. */
  complete(): void {
    this.isComplete = true;
  }

  /** Calls all subscribers. @throws Error when the list is not complete yet */
  readonly published: PublishSubscriber<M> = (id, manifest, digest) => {
    if (!this.isComplete) throw new Error('a publish happened before the list of subscribers was complete');
    for (const subscriber of this.subscribers) subscriber(id, manifest, digest);
  };
}
