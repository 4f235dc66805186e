import { generationOfCopy } from '../keys.ts';
import type { Invariant } from '../repository-kind.ts';
import type { GitManifest } from './git-manifest.ts';

/** What must hold between a manifest of a git repository and the one it replaces, beside what must hold for all kinds. */
export const GIT_INVARIANTS: readonly Invariant<GitManifest>[] = [
  [
    'the object format changes only with the incarnation',
    (next, parent) =>
      parent === undefined ||
      next.objectFormat === parent.manifest.objectFormat ||
      next.incarnation !== parent.manifest.incarnation,
  ],
  [
    'packs are dropped only by a fold, a restore, a withdrawal or a new incarnation',
    (next, parent) => {
      if (parent === undefined || next.incarnation !== parent.manifest.incarnation) return true;
      if (next.lifecycle === 'withdrawn') return true;
      if (next.causes.some((cause) => cause.kind === 'fold' || cause.kind === 'restore')) return true;
      return keepsPacks(next, parent.manifest);
    },
  ],
  [
    'an epoch goes on only where a fold has put other packs in the place of those that go',
    (next, parent) => {
      if (parent === undefined || next.epoch === undefined || next.epoch !== parent.manifest.epoch)
        return true;
      return next.causes.some((cause) => cause.kind === 'fold') || keepsPacks(next, parent.manifest);
    },
  ],
  [
    'a pack is named once',
    (next) => new Set(next.packs.map((entry) => entry.pack.digest)).size === next.packs.length,
  ],
  [
    'a withdrawn repository holds nothing',
    (next) => next.lifecycle !== 'withdrawn' || (next.refs.size === 0 && next.packs.length === 0),
  ],
  [
    'a mirror is named once, and none in a withdrawn repository',
    ({ mirrors = [], lifecycle }) =>
      (lifecycle !== 'withdrawn' || mirrors.length === 0) &&
      new Set(mirrors.map(({ name }) => name)).size === mirrors.length,
  ],
  [
    'packs that are named anew have names of this generation',
    (next, parent) => {
      const before = new Set(parent?.manifest.packs.map((entry) => entry.pack.digest));
      return next.packs.every(
        ({ pack, idx }) =>
          before.has(pack.digest) ||
          [pack, idx].every(({ n }) => generationOfCopy(n) === (next.generation ?? 0)),
      );
    },
  ],
];

function keepsPacks(next: GitManifest, before: GitManifest): boolean {
  const kept = new Set(next.packs.map((entry) => entry.pack.digest));
  return before.packs.every((entry) => kept.has(entry.pack.digest));
}
