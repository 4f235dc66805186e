/**
 * Rules between a manifest and the one it replaces, checked before every swap. A publish that would break one is a
 * bug in Cairn, and stops before anything is written.
 */
import { CairnError } from '../lib/errors.ts';
import type { Manifest, PublishedState } from './manifest.ts';
import type { Invariant } from './repository-kind.ts';

/** Rules for repositories of every kind. */
const COMMON: readonly Invariant<Manifest>[] = [
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
    'the watermark of a withdrawal never goes back',
    (next, parent) => (next.withdrawal?.at ?? -1) >= (parent?.manifest.withdrawal?.at ?? -1),
  ],
  ['a cause is given', (next) => next.causes.length > 0],
];

/**
 * @param ofKind what must hold beside that for the kind of the repository
 * @throws CairnError `corrupt`, naming the invariant that `next` would break
 */
export function checkInvariants<M extends Manifest>(
  ofKind: readonly Invariant<M>[],
  next: M,
  parent: PublishedState<M> | undefined,
): void {
  for (const [name, holds] of [...COMMON, ...ofKind]) {
    if (!holds(next, parent)) throw new CairnError('corrupt', `refused to publish: "${name}" would not hold`);
  }
}
