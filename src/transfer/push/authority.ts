/** What gives a push the right to move refs. */
import type { HeldState } from '../../policy/state-match.ts';
import type { AppliedState } from '../../repository/git/git-manifest.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';

export type PushAuthority =
  /** The operator lets anyone push, for trying things out. */
  | { readonly kind: 'anyone' }
  /** A key has signed a token for this repository (NIP-98); whether it may push is decided on every state the push meets. */
  | { readonly kind: 'key'; readonly actor: string; readonly token: string }
  /**
   * The push does exactly what a waiting order says (GRASP-01), whoever sends it. Who has shown who he is, and may write,
   * may do without an order.
   */
  | { readonly kind: 'order'; readonly caller?: { readonly actor: string; readonly token: string } };

/** A maintainer-signed state that waits for its objects. */
export interface WaitingState extends HeldState {
  /** The branch HEAD shall name. */
  readonly head?: string;
}

/** The orders that wait, and the pull requests whose tips pushes bring to `refs/nostr/<event id>`. */
export interface StateBook {
  /** Every order that waits for a repository; one request. */
  waiting(id: RepositoryId): Promise<readonly WaitingState[]>;
  /** Told once an order has been carried out: it and those it overtook wait no more. Never rejects. */
  carriedOut(id: RepositoryId, order: WaitingState): Promise<void>;
  /**
   * The branches and tags that an order set which a manifest of the repository names.
   * @throws CairnError `unavailable` when the store does not answer; `corrupt` when it has no such order
   */
  refsOf(id: RepositoryId, order: AppliedState): Promise<ReadonlyMap<string, string>>;
  /**
   * The tip that the pull request with this event id names; undefined while no such event is here, null when it is here and
   * is no pull request that names one.
   */
  pullRequestTip(eventId: string): string | null | undefined;
}
