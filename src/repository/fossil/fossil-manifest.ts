import type { ArtifactName } from '../../fossil/artifact-name.ts';
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

/** What brought a pack: `push` (a client of this server), `sync` (clusters and what had waited), `mirror`, or `fold`. */
export type FossilPackKind = 'push' | 'sync' | 'mirror' | 'fold';

/** One pack of artifacts: one object of the store, the payloads first and their index behind them. */
export interface FossilPack {
  readonly kind: FossilPackKind;
  /** How many records its index has, of artifacts that are in other packs, too, and of unversioned contents included. */
  readonly records: number;
  /** The whole object. */
  readonly pack: ArtifactRef;
  /** The part of the object that is the index, with a digest of its own: it is read without the rest. */
  readonly index: { readonly digest: Digest; readonly offset: number; readonly size: number };
}

/** Which names a project gives to new artifacts (Fossil's setting `hash-policy`). Clients are told; nothing is refused by it. */
export type HashPolicy = 'sha1' | 'auto' | 'sha3' | 'sha3-only' | 'shun-sha1';

/** What a publish of a Fossil repository may change. */
export interface FossilState extends RepositoryState {
  /** 40 hex digits: the same in all repositories of one project. */
  readonly projectCode: string;
  /** Empty: it has none. */
  readonly projectName: string;
  readonly hashPolicy: HashPolicy;
  /** How many artifacts everybody who may read sees: verified, neither private nor shunned. */
  readonly artifacts: number;
  /**
   * In the order in which their artifacts came. A later record of an artifact that is in an earlier pack means nothing, unless it
   * makes a private one public.
   */
  readonly packs: readonly FossilPack[];
  /** Names that never travel, in byte order. */
  readonly shunned: readonly ArtifactName[];
  /** Part of every derived password: another number revokes them all. */
  readonly passwordSeries: number;
  /**
   * By key: added to {@link passwordSeries} in the passwords of that key, so that a greater number revokes those alone. An entry
   * never leaves: a smaller sum would make old passwords valid again.
   */
  readonly keySeries?: Readonly<Record<string, number>>;
}

/** One entry per push, mirror run or other act in this publish. */
export interface FossilCause extends Cause {
  /** How many artifacts everybody sees since then. Of private ones nothing is told. */
  readonly artifacts: number;
  /** How many unversioned files it changed. */
  readonly unversioned: number;
}

export interface FossilManifest extends FossilState, ChainLink<FossilCause> {
  readonly version: 1;
}

/** The published state of a Fossil repository, as observed once. */
export type PublishedFossilState = PublishedState<FossilManifest>;

/** A project without artifacts, the start of its first publish. */
export function emptyFossilState(
  identifier: string,
  incarnation: string,
  projectCode: string,
  projectName = '',
): FossilState {
  return {
    identifier,
    lifecycle: 'live',
    incarnation,
    policy: UNANNOUNCED,
    projectCode,
    projectName,
    hashPolicy: 'sha3',
    artifacts: 0,
    packs: [],
    shunned: [],
    passwordSeries: 0,
  };
}

/** The objects of the store that a state names. */
export function namedFossilArtifacts({ packs }: FossilState): NamedArtifact[] {
  return packs.map(({ pack }) => ({ kind: 'bag', ref: pack }));
}
