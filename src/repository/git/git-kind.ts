import { isDeepStrictEqual } from 'node:util';
import { differingRefs } from '../../git/index.ts';
import type { RepositoryKind } from '../repository-kind.ts';
import { GIT_INVARIANTS } from './git-invariants.ts';
import { type GitManifest, type GitState, namedArtifacts } from './git-manifest.ts';
import { GitManifestFormat } from './git-manifest-format.ts';

/** Repositories of git. */
export const gitKind: RepositoryKind<GitManifest> = {
  name: 'git',
  compose: (state, link) => ({ version: 1, ...state, ...link }),
  invariants: GIT_INVARIANTS,
  isSame,
  isToldInReceipt: (cause) => cause.refs.length > 0,
  artifacts: namedArtifacts,
  format: (artifacts) => new GitManifestFormat(artifacts),
};

function isSame(next: GitState, current: GitState): boolean {
  // One of these numbers differs after almost every push.
  if (next.packs.length !== current.packs.length || next.refs.size !== current.refs.size) return false;
  // What a ref peels to follows from its value.
  if (next.refs !== current.refs && differingRefs(next.refs, current.refs).next().done !== true) return false;
  return isDeepStrictEqual(withoutRefs(next), withoutRefs(current));
}

/** A state without its refs. For a manifest, also without its place in the chain. */
function withoutRefs(state: GitState): unknown {
  const { refs: _refs, peeled: _peeled, version: _version, ...rest } = state as GitManifest;
  const { causes: _causes, receiptAt: _receiptAt, parent: _parent, depth: _depth, ...said } = rest;
  return said;
}
