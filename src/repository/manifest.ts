/**
 * What repositories of every kind publish: a manifest, the whole state at one moment, immutable, named by its digest.
 * A kind adds its own content (git: refs, packs, HEAD). This file has what publishing, the chain of manifests,
 * policies and receipts need.
 */
import type { Digest } from '../lib/digest.ts';

/** An artifact a manifest names. `n` is the copy stored, absent for the first. */
export interface ArtifactRef {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly n?: number;
}

/**
 * Who may do what, as last announced. A change of rules is a publish too, so no push commits under rules it did not
 * see.
 */
export interface Policy {
  /** Event ids of the announcements of the whole maintainer closure. */
  readonly announcements: readonly string[];
  /** Public keys that may push. Empty without an announcement. */
  readonly writers: readonly string[];
  readonly protection: readonly { readonly pattern: string; readonly rules: readonly string[] }[];
  readonly private: boolean;
  readonly readers: readonly string[];
}

/** A deletion request (NIP-09) by which the owner withdrew the repository. */
export interface Withdrawal {
  readonly id: string;
  /** In seconds. Announcements of that date or earlier do not bring the repository back. */
  readonly at: number;
}

/** `held`: announced, and waiting for its first data. The stored form calls it `state`. */
export type Lifecycle = 'held' | 'live' | 'withdrawn';

/** Each kind of repository has some of them: `order` and `head` are of git, `sync`, `shun` and `configure` of Fossil. */
export type CauseKind =
  | 'announce'
  | 'push'
  | 'order'
  | 'fold'
  | 'mirror'
  | 'restore'
  | 'head'
  | 'withdraw'
  | 'sync'
  | 'shun'
  | 'configure';

/** One entry per push, signed state or other act that a publish carries. A kind adds what it changed. */
export interface Cause {
  readonly kind: CauseKind;
  /** The public key that acted, or null if no identity was needed. */
  readonly actor: string | null;
  /** Event id of the evidence, or null. */
  readonly evidence: string | null;
}

/** What a publish may change. The rest of a manifest is its place in the chain. */
export interface RepositoryState {
  readonly identifier: string;
  readonly lifecycle: Lifecycle;
  /** Random, new whenever the repository is announced again. 32 hex characters. */
  readonly incarnation: string;
  /**
   * How often the repository was announced again after a withdrawal; absent: never. Artifacts of each generation have names of
   * their own, see `firstCopy`.
   */
  readonly generation?: number;
  readonly policy: Policy;
  /** The last withdrawal. It stays when the repository is announced again. */
  readonly withdrawal?: Withdrawal;
}

/** A manifest's place in the chain, set by the publisher. */
export interface ChainLink<C extends Cause = Cause> {
  readonly causes: readonly C[];
  /**
   * Seconds: the date of the receipt. The clock at composing, or a second before the signed state that this publish carries out, but
   * always later than the parent's.
   */
  readonly receiptAt: number;
  /** Digest of the manifest this one replaced; null for the first. */
  readonly parent: Digest | null;
  /** Number of manifests before this one. */
  readonly depth: number;
}

/** What the manifests of all kinds have in common. */
export interface Manifest extends RepositoryState, ChainLink {
  /** The version of the stored form; the kind defines the values. */
  readonly version: number;
}

/** The state that manifests of a kind publish. */
export type StateOf<M extends Manifest> = Omit<M, keyof ChainLink | 'version'>;

/** The causes in manifests of a kind. */
export type CauseOf<M extends Manifest> = M['causes'][number];

/** What is published, as observed once. A publish is predicated on it. */
export interface PublishedState<M extends Manifest> {
  /** Version token of the pointer when it named this manifest. */
  readonly version: string;
  readonly digest: Digest;
  readonly manifest: M;
}

/** The policy of a repository without announcement. */
export const UNANNOUNCED: Policy = {
  announcements: [],
  writers: [],
  protection: [],
  private: false,
  readers: [],
};
