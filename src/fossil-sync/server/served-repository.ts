import type { ArtifactName } from '../../fossil/artifact-name.ts';
import type { Digest } from '../../lib/digest.ts';
import type { Bytes } from '../../lib/file-bytes.ts';
import type { Bag } from '../../repository/fossil/bag.ts';
import type { CheckInLock, LockStep } from '../../repository/fossil/check-in-locks.ts';
import type { Received } from '../../repository/fossil/prepared-artifacts.ts';

/** What a request brings to be published, all or nothing. */
export interface Arrival extends Received<Bytes> {
  /** `push`: a client sent it. `sync`: clusters that the server made itself. */
  readonly cause: 'push' | 'sync';
  /** Public key of who sent it; undefined for the server itself, and for those who need no key. */
  readonly actor: string | undefined;
  /** As `PublishArtifactsOptions.onUnsettled`: the request has succeeded all the same. */
  readonly onUnsettled: (error: unknown) => void;
}

/**
 * Where the state comes from that a request meets. `store`: a look at the store after the request came. `memory`: what this process
 * knows, which may be out of date; nobody may get a reply before {@link ServedRepository.isCurrent} says that it was not.
 */
export type StateSource = 'store' | 'memory';

/** A Fossil repository as one request meets it. */
export interface ServedRepository {
  /** What is published, as of after the request came; from memory, what was published before. */
  readonly bag: Bag;
  /**
   * Whether an answer over {@link bag} is one over the state published after the request came: because its artifacts were published, or
   * because a look at the store finds the same state still.
   */
  isCurrent(): Promise<boolean>;
  /**
   * An earlier published state of the same repository.
   * @returns undefined if it cannot be read any more
   */
  pinned(digest: Digest): Promise<Bag | undefined>;
  /**
   * Verifies received artifacts and publishes them over the current state.
   * @returns what is published with it. Throws a CairnError of kind `invalid` or `too-large` that names the artifact at
   *   fault; then nothing is stored
   */
  take(arrival: Arrival): Promise<Bag>;
  /** As `CheckInLocks.change`, for this repository. */
  changeLocks(
    login: string,
    steps: readonly LockStep[],
    isOver: (parent: ArtifactName) => boolean,
  ): Promise<readonly CheckInLock[]>;
  /** The name of the repository in logs. */
  toString(): string;
}
