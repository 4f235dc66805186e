/**
 * The manifest of a git repository: refs, packs, HEAD and what else its publishes may change. In memory `refs` and
 * `peeled` are maps in byte order of UTF-8, the order in which git looks names up. If there are very many refs, both
 * are views of one table.
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
 * The origin of a pack: a push or a mirror; or a fold of what branches and tags reach (`fold`), of what only other
 * refs reach (`rest`), or of unreachable objects (`unreachable`).
 */
export type PackKind = 'push' | 'fold' | 'rest' | 'mirror' | 'unreachable';

/**
 * The part of a pack that came in before `git index-pack --fix-thin` completed it: the first `objects` entries, which
 * end at byte `end`. The rest are bases that other packs hold too, so a concatenation of packs leaves them out.
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
  /** Present when the pack was thin when it came in. */
  readonly own?: OwnEntries;
  /** True when it is known to share no object with other packs of the manifest that also have this mark. */
  readonly disjoint?: boolean;
  /**
   * True when the objects it links to are known to be in it, or in packs named beside it. Exception: objects that
   * other packs with this mark hold too. See {@link isClosed}.
   */
  readonly linked?: boolean;
  /** When a fold made it, in seconds. Unreachable objects are dropped when their pack is older than the grace period. */
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

/** A ref pushed by somebody without rights to the repository. */
export interface StrangerRef extends Amount {
  /** The key that authenticated the push; absent if there was none. */
  readonly by?: string;
}

/** What people without rights to a repository have pushed. */
export interface Strangers {
  /** By event id: the refs `refs/nostr/<event id>` that they pushed. Some may be deleted since. */
  readonly refs: Readonly<Record<string, StrangerRef>>;
  /** Amounts of deleted refs, as of the date `at` (seconds). Its objects are dropped after the grace period. */
  readonly gone?: Amount & { readonly at: number };
}

/** The name of a mirror. It is also a part of the names of refs, and of a key. */
export const MIRROR_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** A pull mirror: other changes leave its refs alone. What else is known of it is in the record `mirrors`. */
export interface NamedMirror {
  /** Random, 16 hex characters. */
  readonly id: string;
  readonly name: string;
  /** `follow`: all refs but tips of pull requests. `namespace`: those below `refs/mirrors/<name>/`. */
  readonly refs: 'follow' | 'namespace';
}

/** One entry per push, signed state or other act in this publish. */
export interface GitCause extends Cause {
  /** Names of the refs it changed. */
  readonly refs: readonly string[];
}

/** What a publish of a git repository may change. */
export interface GitState extends RepositoryState {
  readonly objectFormat: ObjectFormat;
  /**
   * Random, 32 hex characters, new whenever an object is dropped: every object in the packs of a manifest is also in
   * the packs of each later manifest of the same epoch. Absent in manifests from before epochs existed.
   */
  readonly epoch?: string;
  /** The branch that HEAD names. It need not exist. */
  readonly head: string;
  readonly refs: ReadonlyMap<string, string>;
  /** For each ref that names a tag object: the object it peels to. */
  readonly peeled: ReadonlyMap<string, string>;
  readonly packs: readonly PackEntry[];
  readonly graph?: ArtifactRef;
  readonly appliedState: AppliedState | null;
  /** What people without rights have pushed; absent if nothing. */
  readonly strangers?: Strangers;
  /** The pull mirrors, in the order of their names; absent if there are none. Only they change their refs. */
  readonly mirrors?: readonly NamedMirror[];
}

export interface GitManifest extends GitState, ChainLink<GitCause> {
  /** 2 if there are so many refs that they are kept in ref segments, which are artifacts of their own. */
  readonly version: 1 | 2;
}

/** The published state of a git repository, as observed once. */
export type PublishedGitState = PublishedState<GitManifest>;

/** A repository without refs, the start of its first publish. */
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
    appliedState: null,
  };
}

/**
 * Whether all objects in the packs are complete: none links to a missing object. An object that is known to exist is
 * then complete without a walk.
 *
 * The mark of a single pack is not enough. Such a pack may hold bases copied from others, which git does not check
 * when it completes a thin pack with them. So all packs need the mark: an object with a missing link came in a pack
 * without the mark, and stays in such a pack until a fold has walked it.
 */
export function isClosed({ packs }: Pick<GitState, 'packs'>): boolean {
  return packs.every((entry) => entry.linked === true);
}

/** True if a repository has no objects, or is none yet. */
export function hasNoObjects(published: PublishedGitState | undefined): boolean {
  return published === undefined || published.manifest.packs.length === 0;
}

/** The artifacts that a manifest names, with their kinds, without the manifest itself. */
export function namedArtifacts(manifest: GitState): NamedArtifact[] {
  const named: NamedArtifact[] = [];
  for (const entry of manifest.packs) {
    named.push({ kind: 'pack', ref: entry.pack }, { kind: 'idx', ref: entry.idx });
    if (entry.rev !== undefined) named.push({ kind: 'rev', ref: entry.rev });
    if (entry.bitmap !== undefined) named.push({ kind: 'bitmap', ref: entry.bitmap });
  }
  if (manifest.graph !== undefined) named.push({ kind: 'graph', ref: manifest.graph });
  for (const { summary } of tableOf(manifest.refs)?.segments ?? []) {
    const { digest, size, n } = summary;
    named.push({ kind: 'refs', ref: n === undefined ? { digest, size } : { digest, size, n } });
  }
  return named;
}
