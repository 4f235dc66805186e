/**
 * What must hold between a manifest and the one it replaces. Checked before every swap: a publish that would break
 * one is a fault of Cairn, and stops before anything is written.
 */
import { CairnError } from '../lib/errors.ts';
import type { GitManifest, PublishedGitState } from './git/git-manifest.ts';
import { generationOfCopy } from './keys.ts';

type Invariant = readonly [
  name: string,
  holds: (next: GitManifest, parent: PublishedGitState | undefined) => boolean,
];

const INVARIANTS: readonly Invariant[] = [
  ['the chain names its parent', (next, parent) => next.parent === (parent?.digest ?? null)],
  [
    'depth counts the chain',
    (next, parent) => next.depth === (parent === undefined ? 0 : parent.manifest.depth + 1),
  ],
  [
    'receipts never share or turn back time',
    (next, parent) => parent === undefined || next.receiptAt > parent.manifest.receiptAt,
  ],
  [
    'a repository keeps its identifier',
    (next, parent) => parent === undefined || next.identifier === parent.manifest.identifier,
  ],
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
    'a withdrawn repository comes back as a new incarnation only',
    (next, parent) =>
      parent === undefined ||
      parent.manifest.lifecycle !== 'withdrawn' ||
      next.lifecycle === 'withdrawn' ||
      next.incarnation !== parent.manifest.incarnation,
  ],
  [
    'a generation goes up where a repository comes back, and nowhere else',
    (next, parent) => {
      const comesBack = parent?.manifest.lifecycle === 'withdrawn' && next.lifecycle !== 'withdrawn';
      return (next.generation ?? 0) === (parent?.manifest.generation ?? 0) + (comesBack ? 1 : 0);
    },
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
  [
    'the watermark of a withdrawal never goes back',
    (next, parent) => (next.withdrawal?.at ?? -1) >= (parent?.manifest.withdrawal?.at ?? -1),
  ],
  ['a cause is given', (next) => next.causes.length > 0],
];

function keepsPacks(next: GitManifest, before: GitManifest): boolean {
  const kept = new Set(next.packs.map((entry) => entry.pack.digest));
  return before.packs.every((entry) => kept.has(entry.pack.digest));
}

/** @throws CairnError `corrupt`, naming the invariant that `next` would break */
export function checkInvariants(next: GitManifest, parent: PublishedGitState | undefined): void {
  for (const [name, holds] of INVARIANTS) {
    if (!holds(next, parent)) throw new CairnError('corrupt', `refused to publish: "${name}" would not hold`);
  }
}
