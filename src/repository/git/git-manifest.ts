/**
 * The manifest: the whole published state of one repository at one moment, immutable, named by its digest.
 * In memory `refs` and `peeled` are maps in byte order of UTF-8, the order git looks names up in; where there are very many
 * refs, they are views of one table.
 */
import { type ObjectFormat, tableOf } from '../../git/index.ts';
import type { Digest } from '../../lib/digest.ts';

/** An artifact a manifest names. `n` is the copy stored, absent for the first. */
export interface ArtifactRef {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly n?: number;
}

/**
 * Where a pack comes from: taken in with a push, or from a mirror; made by a fold of what branches and tags reach
 * (`fold`), of what only other refs reach (`rest`), or of what no ref reaches any more (`unreachable`).
 */
export type PackKind = 'push' | 'fold' | 'rest' | 'mirror' | 'unreachable';

/**
 * How much of a pack came in, when `git index-pack --fix-thin` has completed it: the first `objects` entries, which end
 * at byte `end`. What follows are bases that other packs hold, too, so whoever joins packs leaves them out.
 */
export interface OwnEntries {
  readonly objects: number;
  readonly end: number;
}

export interface PackEntry {
  readonly kind: PackKind;
  /** Number of objects in the pack, bases that completed a thin one included. */
  readonly objects: number;
  readonly pack: ArtifactRef;
  readonly idx: ArtifactRef;
  readonly rev?: ArtifactRef;
  readonly bitmap?: ArtifactRef;
  /** Digest of the set of wants that this pack answers exactly; see `wantSetDigest`. */
  readonly tips?: Digest;
  /** Present when the pack was thin as it came. */
  readonly own?: OwnEntries;
  /** True when it is proven to share no object with any other pack of the manifest that says so of itself. */
  readonly disjoint?: boolean;
  /**
   * True when whatever its objects link to is proven to be in it, or in packs named beside it; but for objects that other
   * packs hold, too, of which these say it. See {@link isClosed}.
   */
  readonly linked?: boolean;
  /** Seconds: when a fold made it. What nothing reaches leaves when its pack is older than the grace period. */
  readonly since?: number;
}

/** Who may do what, as last announced. A change of rules is a publish too: no push commits under rules it did not see. */
export interface Policy {
  /** Event ids of the announcements of the whole maintainer closure. */
  readonly announcements: readonly string[];
  /** Public keys that may push. Empty while nobody has announced the repository. */
  readonly writers: readonly string[];
  readonly protection: readonly { readonly pattern: string; readonly rules: readonly string[] }[];
  readonly private: boolean;
  readonly readers: readonly string[];
}

/** The maintainer-signed state last applied. */
export interface AppliedState {
  readonly id: string;
  readonly author: string;
  /** Seconds. */
  readonly at: number;
  /** Digest of the ref map it set. */
  readonly refs: Digest;
}

/** A deletion request (NIP-09) by which the owner withdrew the repository. */
export interface Withdrawal {
  readonly id: string;
  /** Seconds: no announcement of that date or before brings the repository back. */
  readonly at: number;
}

/** Bytes of packs and their indexes, and objects. */
export interface Amount {
  readonly bytes: number;
  readonly objects: number;
}

/** A ref that somebody without a right of their own has pushed. */
export interface StrangerRef extends Amount {
  /** The key that has shown itself with the push; absent when none has. */
  readonly by?: string;
}

/** What people without a right of their own have brought to a repository. */
export interface Strangers {
  /** By event id: the refs `refs/nostr/<event id>` that they pushed. Some may be gone since. */
  readonly refs: Readonly<Record<string, StrangerRef>>;
  /** What came with refs that are gone, as of the date `at` (seconds). Its objects leave with the grace period. */
  readonly gone?: Amount & { readonly at: number };
}

export type CauseKind = 'announce' | 'push' | 'order' | 'fold' | 'mirror' | 'restore' | 'head' | 'withdraw';

/** One entry per push, order or other act that this publish carries. */
export interface GitCause {
  readonly kind: CauseKind;
  /** Public key that acted, or null when nobody had to say who they are. */
  readonly actor: string | null;
  /** Event id of the evidence, or null. */
  readonly evidence: string | null;
  /** Names of the refs it changed. */
  readonly refs: readonly string[];
}

/** What a publish may change; everything else in a manifest is bookkeeping of the chain. */
export interface GitState {
  readonly identifier: string;
  readonly objectFormat: ObjectFormat;
  readonly lifecycle: 'held' | 'live' | 'withdrawn';
  /** Random, new whenever the repository is announced again. 32 hex characters. */
  readonly incarnation: string;
  /**
   * How often the repository was announced again after a withdrawal; absent: never. Artifacts of each generation have names of
   * their own, see `firstCopy`.
   */
  readonly generation?: number;
  /**
   * Random, 32 hex characters, another one as soon as an object leaves: what was found in the packs of one manifest is in
   * those of each later one of the same epoch. Absent in what was written before there were epochs.
   */
  readonly epoch?: string;
  /** The branch HEAD names, which need not exist. */
  readonly head: string;
  readonly refs: ReadonlyMap<string, string>;
  /** For each ref that names a tag object: what it peels to. */
  readonly peeled: ReadonlyMap<string, string>;
  readonly packs: readonly PackEntry[];
  readonly graph?: ArtifactRef;
  readonly policy: Policy;
  readonly order: AppliedState | null;
  /** The last withdrawal; it stays when the repository is announced again. */
  readonly withdrawal?: Withdrawal;
  /** What people without a right of their own have brought; absent when they have brought nothing. */
  readonly strangers?: Strangers;
}

export interface GitManifest extends GitState {
  /** 2 where there are so many refs that they are kept in segments, artifacts of their own. */
  readonly version: 1 | 2;
  readonly causes: readonly GitCause[];
  /**
   * Seconds: the date of the receipt. The clock at composing, or a second before the order this publish carries out, but
   * always later than the parent's.
   */
  readonly receiptAt: number;
  /** Digest of the manifest this one replaced; null for the first. */
  readonly parent: Digest | null;
  /** Number of manifests before this one. */
  readonly depth: number;
}

/** A manifest as published: what a publish is predicated on. */
export interface PublishedGitState {
  /** Version token of the pointer when it named this manifest. */
  readonly version: string;
  readonly digest: Digest;
  readonly manifest: GitManifest;
}

/** The policy of a repository that nobody has announced. */
export const UNANNOUNCED: Policy = {
  announcements: [],
  writers: [],
  protection: [],
  private: false,
  readers: [],
};

/** A repository without refs, as the first publish starts from. */
export function emptyState(identifier: string, objectFormat: ObjectFormat, incarnation: string): GitState {
  return {
    identifier,
    objectFormat,
    lifecycle: 'live',
    incarnation,
    epoch: incarnation,
    head: 'refs/heads/main',
    refs: new Map(),
    peeled: new Map(),
    packs: [],
    policy: UNANNOUNCED,
    order: null,
  };
}

/**
 * True when every object in the packs is there with all that it leads to, since none links to anything that is not. Then an
 * object that is known to be there needs no walk to be known complete.
 *
 * A single pack that says so may hold bases copied from others, which git does not look into when it completes a thin pack with
 * them. So it is all packs or nothing: an object that links to nothing there has come in a pack which does not say so, and stays
 * in one until a fold has walked from it.
 */
export function isClosed({ packs }: Pick<GitState, 'packs'>): boolean {
  return packs.every((entry) => entry.linked === true);
}

/** Every artifact a manifest names, the manifest itself excepted, each with its kind. */
export function namedArtifacts(
  manifest: GitState,
): { kind: 'pack' | 'idx' | 'rev' | 'bitmap' | 'graph' | 'refs'; ref: ArtifactRef }[] {
  const named: ReturnType<typeof namedArtifacts> = [];
  for (const entry of manifest.packs) {
    named.push({ kind: 'pack', ref: entry.pack }, { kind: 'idx', ref: entry.idx });
    if (entry.rev !== undefined) named.push({ kind: 'rev', ref: entry.rev });
    if (entry.bitmap !== undefined) named.push({ kind: 'bitmap', ref: entry.bitmap });
  }
  if (manifest.graph !== undefined) named.push({ kind: 'graph', ref: manifest.graph });
  for (const { summary } of tableOf(manifest.refs)?.slots ?? []) {
    const { digest, size, n } = summary;
    named.push({ kind: 'refs', ref: n === undefined ? { digest, size } : { digest, size, n } });
  }
  return named;
}
