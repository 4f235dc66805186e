/** What kept mirrors ask of those who carry them out. */
import type { Digest } from '../../lib/digest.ts';
import type { TrafficObserver } from '../../outbound/traffic.ts';
import type { MirrorPlacement } from '../../policy/mirrored-refs.ts';
import type { GitState } from '../../repository/git/git-manifest.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import type { RemoteAddress } from '../remote/remote-address.ts';
import type { MirrorCredential } from './sealed-credentials.ts';

/** A remote repository, and what is shown to its host, and to no other one. */
export interface MirrorRemote {
  readonly address: RemoteAddress;
  readonly credential: MirrorCredential | undefined;
  /** Is told what goes to it and comes from it. */
  readonly traffic?: TrafficObserver;
}

/** A published state. */
export interface MirroredState {
  readonly digest: Digest;
  readonly depth: number;
}

/** How a run ended. Its errors are thrown, as CairnErrors whose public texts name no secret. */
export interface MirrorRunResult {
  /** Number of refs that changed. */
  readonly changed: number;
  /** The published state that both sides now share; undefined if the repository has never published anything. */
  readonly state: MirroredState | undefined;
}

export interface PullOptions {
  /** Of the mirror. */
  readonly id: string;
  readonly refs: MirrorPlacement;
  /** The name of the mirror. */
  readonly name: string;
  /** Who added it, for the causes in manifests; null for an operator. */
  readonly actor: string | null;
  /**
   * Why this pull may not change a ref, or HEAD; undefined when it may. Asked on each state that its publish meets.
   */
  readonly forbids: (state: GitState, ref: string) => string | undefined;
}

/**
 * Brings what a source has into a repository, by publishing. It reads the published state first and lists the source after that, and
 * changes only refs that are still as they were read. So of two runs at once, the one that knows less can never undo what the other one did.
 */
export interface PullRun {
  run(
    repository: GitRepository,
    source: MirrorRemote,
    options: PullOptions,
    signal: AbortSignal,
  ): Promise<MirrorRunResult>;
}

export interface PushOptions {
  /** Whether branches and tags of the target that are not here are deleted there. */
  readonly prune: boolean;
  /** Whether the target may lose what is nowhere here. It may from the second run on: then it is what this mirror has made of it. */
  readonly overwrite: boolean;
}

/**
 * Makes a target what a repository publishes. It lists the target first and reads the published state after that, and
 * changes a ref of the target only from the value that was listed. So of two runs at once, the one that knows the
 * older state can never undo what the other one did.
 */
export interface PushRun {
  run(
    repository: GitRepository,
    target: MirrorRemote,
    options: PushOptions,
    signal: AbortSignal,
  ): Promise<MirrorRunResult>;
}
