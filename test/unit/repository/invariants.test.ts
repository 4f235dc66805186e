import { describe, expect, it } from 'vitest';
import { GIT_INVARIANTS } from '../../../src/repository/git/git-invariants.ts';
import type { GitCause, GitManifest, PublishedGitState } from '../../../src/repository/git/git-manifest.ts';
import { checkInvariants } from '../../../src/repository/invariants.ts';
import { childOf, manifestOf, packOf } from '../../helpers/repository-rig.ts';

const parent: PublishedGitState = {
  version: 'v',
  digest: 'd'.repeat(64),
  manifest: manifestOf({ packs: [packOf('a'), packOf('b')] }),
};
const withdrawn: PublishedGitState = {
  version: 'w',
  digest: 'c'.repeat(64),
  manifest: manifestOf({ lifecycle: 'withdrawn', withdrawal: { id: 'e'.repeat(64), at: 7 } }),
};
const because = (kind: GitCause['kind']): { causes: GitCause[] } => ({
  causes: [{ kind, actor: null, evidence: null, refs: [] }],
});

const BROKEN: readonly (readonly [name: string, next: GitManifest, over: PublishedGitState | undefined])[] = [
  ['the chain names its parent', childOf(parent, { parent: 'e'.repeat(64) }), parent],
  ['the chain names its parent', childOf(parent), undefined],
  ['depth counts the chain', childOf(parent, { depth: 2 }), parent],
  [
    'receipts never share or turn back time',
    childOf(parent, { receiptAt: parent.manifest.receiptAt }),
    parent,
  ],
  ['a repository keeps its identifier', childOf(parent, { identifier: 'other' }), parent],
  [
    'the object format changes only with the incarnation',
    childOf(parent, { objectFormat: 'sha256' }),
    parent,
  ],
  [
    'packs are dropped only by a fold, a restore, a withdrawal or a new incarnation',
    childOf(parent, { packs: [packOf('a'), packOf('c')] }),
    parent,
  ],
  [
    'an epoch goes on only where a fold has put other packs in the place of those that go',
    childOf(parent, { packs: [packOf('a')], ...because('restore') }),
    parent,
  ],
  ['a pack is named once', childOf(parent, { packs: [packOf('a'), packOf('b'), packOf('a')] }), parent],
  ['a withdrawn repository holds nothing', childOf(parent, { lifecycle: 'withdrawn' }), parent],
  [
    'a withdrawn repository comes back as a new incarnation only',
    childOf(withdrawn, { lifecycle: 'live' }),
    withdrawn,
  ],
  [
    'the watermark of a withdrawal never goes back',
    childOf(withdrawn, { withdrawal: { id: 'e'.repeat(64), at: 6 } }),
    withdrawn,
  ],
  [
    'a generation goes up where a repository comes back, and nowhere else',
    childOf(withdrawn, { lifecycle: 'live', incarnation: '2'.repeat(32) }),
    withdrawn,
  ],
  [
    'a generation goes up where a repository comes back, and nowhere else',
    childOf(parent, { generation: 1 }),
    parent,
  ],
  [
    'packs that are named anew have names of this generation',
    childOf(parent, {
      packs: [...parent.manifest.packs, { ...packOf('c'), pack: { ...packOf('c').pack, n: 2 ** 20 } }],
    }),
    parent,
  ],
  [
    'a mirror is named once',
    childOf(parent, {
      mirrors: [
        { id: '1'.repeat(16), name: 'a', refs: 'follow' },
        { id: '2'.repeat(16), name: 'a', refs: 'namespace' },
      ],
    }),
    parent,
  ],
  ['a cause is given', childOf(parent, { causes: [] }), parent],
];

describe('before a swap', () => {
  it.each(BROKEN)('"%s" must hold', (name, next, over) => {
    expect(() => checkInvariants(GIT_INVARIANTS, next, over)).toThrow(
      expect.objectContaining({ kind: 'corrupt', message: expect.stringContaining(name) }),
    );
  });

  it.each([
    ['a first manifest', manifestOf(), undefined],
    ['a pack more', childOf(parent, { packs: [...parent.manifest.packs, packOf('c')] }), parent],
    ['a fold', childOf(parent, { packs: [packOf('c', { kind: 'fold' })], ...because('fold') }), parent],
    ['a withdrawal', childOf(parent, { lifecycle: 'withdrawn', packs: [], epoch: '2'.repeat(32) }), parent],
    [
      'a withdrawn repository announced again',
      childOf(withdrawn, { lifecycle: 'live', incarnation: '2'.repeat(32), generation: 1 }),
      withdrawn,
    ],
    [
      'a restore',
      childOf(parent, { packs: [packOf('a')], epoch: '2'.repeat(32), ...because('restore') }),
      parent,
    ],
    [
      'a new incarnation',
      childOf(parent, {
        packs: [],
        incarnation: '2'.repeat(32),
        epoch: '2'.repeat(32),
        objectFormat: 'sha256',
      }),
      parent,
    ],
  ] as const)('%s may be published', (_what, next, over) => {
    expect(() => checkInvariants(GIT_INVARIANTS, next, over)).not.toThrow();
  });
});
