/**
 * The manifest of a git repository: refs, packs, HEAD and what else its publishes may change.
 * In memory `refs` and `peeled` are maps in byte order of UTF-8, the order git looks names up in; where there are very many
 * refs, they are views of one table.
 */
import { type ObjectFormat, tableOf } from '../../git/index.ts';
import type { Digest } from '../../lib/digest.ts';
import {
  type ArtifactRef,
  type Cause,
  type ChainLink,
  type PublishedState,
  type RepositoryState,
  UNANNOUNCED,
} from '../manifest.ts';
import type { NamedArtifact } from '../repository-kind.ts';

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

/** The maintainer-signed state last applied. */
export interface AppliedState {
  readonly id: string;
  readonly author: string;
  /** Seconds. */
  readonly at: number;
  /** Digest of the ref map it set. */
  readonly refs: Digest;
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

/** One entry per push, order or other act that this publish carries. */
export interface GitCause extends Cause {
  /** Names of the refs it changed. */
  readonly refs: readonly string[];
}

/** What a publish of a git repository may change. */
export interface GitState extends RepositoryState {
  readonly objectFormat: ObjectFormat;
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
  readonly order: AppliedState | null;
  /** What people without a right of their own have brought; absent when they have brought nothing. */
  readonly strangers?: Strangers;
}

export interface GitManifest extends GitState, ChainLink<GitCause> {
  /** 2 where there are so many refs that they are kept in segments, artifacts of their own. */
  readonly version: 1 | 2;
}

/** What is published of a git repository, as observed once. */
export type PublishedGitState = PublishedState<GitManifest>;

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
export function namedArtifacts(manifest: GitState): NamedArtifact[] {
  const named: NamedArtifact[] = [];
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
