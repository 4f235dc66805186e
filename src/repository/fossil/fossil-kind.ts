import { isDeepStrictEqual } from 'node:util';
import { generationOfCopy } from '../keys.ts';
import type { Invariant, RepositoryKind } from '../repository-kind.ts';
import { type FossilManifest, type FossilState, namedFossilArtifacts } from './fossil-manifest.ts';
import { fossilManifestFormat } from './fossil-manifest-codec.ts';

/** What must hold between a manifest of a Fossil repository and the one it replaces, beside what must hold for all kinds. */
const FOSSIL_INVARIANTS: readonly Invariant<FossilManifest>[] = [
  [
    'packs are dropped only by a fold, a restore, a withdrawal or a new incarnation',
    (next, parent) => {
      if (parent === undefined || next.incarnation !== parent.manifest.incarnation) return true;
      if (next.lifecycle === 'withdrawn') return true;
      if (next.causes.some(({ kind }) => kind === 'fold' || kind === 'restore')) return true;
      return parent.manifest.packs.every(({ pack }, at) => next.packs[at]?.pack.digest === pack.digest);
    },
  ],
  [
    'a pack is named once',
    (next) => new Set(next.packs.map(({ pack }) => pack.digest)).size === next.packs.length,
  ],
  [
    'the project code stays as long as there are artifacts',
    (next, parent) =>
      parent === undefined ||
      parent.manifest.packs.length === 0 ||
      next.incarnation !== parent.manifest.incarnation ||
      next.projectCode === parent.manifest.projectCode,
  ],
  [
    'a withdrawn repository holds nothing',
    (next) => next.lifecycle !== 'withdrawn' || (next.packs.length === 0 && next.artifacts === 0),
  ],
  [
    'packs that are named anew have names of this generation',
    (next, parent) => {
      const before = new Set(parent?.manifest.packs.map(({ pack }) => pack.digest));
      return next.packs.every(
        ({ pack }) => before.has(pack.digest) || generationOfCopy(pack.n) === (next.generation ?? 0),
      );
    },
  ],
];

/** Repositories of Fossil: bags of artifacts that merge by union. */
export const fossilKind: RepositoryKind<FossilManifest> = {
  name: 'fossil',
  compose: (state, link) => ({ version: 1, ...state, ...link }),
  invariants: FOSSIL_INVARIANTS,
  isSame: (next, current) =>
    next.packs.length === current.packs.length &&
    isDeepStrictEqual(withoutPlace(next), withoutPlace(current)),
  isToldInReceipt: ({ artifacts, unversioned }) => artifacts > 0 || unversioned > 0,
  artifacts: namedFossilArtifacts,
  format: () => fossilManifestFormat,
};

/** Whether two states differ in nothing but artifacts: the same people have the same rights, with the same passwords. */
export function hasSameSettings(one: FossilState, other: FossilState): boolean {
  return isDeepStrictEqual(settingsOf(one), settingsOf(other));
}

/** What stays the same in the state of a publish that brings artifacts alone. */
function settingsOf(state: FossilState): unknown {
  const { artifacts: _artifacts, packs: _packs, ...settings } = withoutPlace(state);
  return settings;
}

/** A state; of a manifest, without its place in the chain. */
function withoutPlace(state: FossilState): FossilState {
  const { version: _version, causes: _causes, ...rest } = state as FossilManifest;
  const { receiptAt: _receiptAt, parent: _parent, depth: _depth, ...said } = rest;
  return said;
}
