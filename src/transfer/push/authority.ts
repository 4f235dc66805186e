/** What gives a push the right to move refs. */
import type { HeldState } from '../../policy/state-match.ts';
import type { AppliedState } from '../../repository/git/git-manifest.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';

export type PushAuthority =
  /** The operator lets anyone push, for development. */
  | { readonly kind: 'anyone' }
  /** A key has signed a token for this repository (NIP-98). Whether it may push is decided on every published state anew. */
  | { readonly kind: 'key'; readonly actor: string; readonly token: string }
  /**
   * The push does exactly what a held signed state says (GRASP-01), by any sender. A caller that has shown a key that may
   * write needs no signed state.
   */
  | { readonly kind: 'signed-state'; readonly caller?: { readonly actor: string; readonly token: string } };

/** The signed states that are held, and the pull requests whose tips pushes bring to `refs/nostr/<event id>`. */
export interface HeldStateBook {
  /** All signed states that a repository holds; one request. */
  heldIn(id: RepositoryId): Promise<readonly HeldState[]>;
  /** Removes a signed state that has been applied, and all that are older. Never rejects. */
  removeApplied(id: RepositoryId, applied: HeldState): Promise<void>;
  /**
   * The branches and tags that an applied signed state set.
   * @param applied the state, as a manifest of the repository names it
   * @throws CairnError `unavailable` when the store does not answer; `corrupt` when it has no such event
   */
  refsOf(id: RepositoryId, applied: AppliedState): Promise<ReadonlyMap<string, string>>;
  /**
   * The tip that a pull request names.
   * @returns undefined when there is no event with this id; null when the event is not a pull request that names a tip
   */
  pullRequestTip(eventId: string): string | null | undefined;
}
