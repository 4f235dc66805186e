import { describe, expect, it } from 'vitest';
import {
  type Ancestry,
  ancestryPairs,
  type MirrorPolicy,
  type PlanInput,
  pairKey,
  planRefs,
} from '../../../../src/mirror/plan/plan.ts';
import { type RefScope, wholeScope } from '../../../../src/mirror/plan/ref-scope.ts';

const A = 'a'.repeat(40);
const B = 'b'.repeat(40);
const C = 'c'.repeat(40);

interface World {
  readonly source: Record<string, string>;
  readonly target?: Record<string, string>;
  readonly head?: string;
  readonly scope?: Partial<RefScope>;
  readonly policy?: Partial<MirrorPolicy>;
  readonly canDelete?: boolean;
  /** Names that the source lists and nobody can use. */
  readonly unusable?: readonly string[];
}

function input(world: World): PlanInput {
  const { source, target = {}, head, scope = {}, policy = {}, canDelete = true, unusable = [] } = world;
  return {
    source: {
      refs: new Map(Object.entries(source)),
      peeled: new Map(),
      head: head === undefined ? undefined : { target: head, oid: source[head] },
      unusable: unusable.map((shownName) => ({ shownName, reason: 'its name is not UTF-8' })),
      objectFormat: 'sha1',
      protocol: 2,
      capabilities: [],
      canFilter: true,
    },
    target: {
      objectFormat: 'sha1',
      refs: new Map(Object.entries(target)),
      unusable: [],
      capabilities: [],
      canDelete,
      canReport: true,
      isAtomic: false,
    },
    scope: { ...wholeScope, ...scope },
    policy: { mode: 'sync', force: false, prune: false, ...policy },
  };
}

function planned(world: World, ancestry: readonly (readonly [string, string, Ancestry])[] = []): string[] {
  const known = new Map(ancestry.map(([old, next, found]) => [pairKey(old, next), found]));
  return planRefs(input(world), known).refs.map(({ action, target }) => `${action} ${target}`);
}

describe('sync', () => {
  it('creates what is missing and skips what is equal', () => {
    expect(
      planned({ source: { 'refs/heads/a': A, 'refs/heads/b': B }, target: { 'refs/heads/b': B } }),
    ).toEqual(['create refs/heads/a', 'skip refs/heads/b']);
  });

  it('moves a branch forward, and blocks it if it has diverged or the ancestry is unknown', () => {
    const world = { source: { 'refs/heads/a': A }, target: { 'refs/heads/a': B } };
    expect(planned(world, [[B, A, 'yes']])).toEqual(['update refs/heads/a']);
    expect(planned(world, [[B, A, 'no']])).toEqual(['block refs/heads/a']);
    expect(planned(world)).toEqual(['block refs/heads/a']);
  });

  it('blocks what it would mirror if the name could be used, unless it is excluded', () => {
    const names = [
      'refs/heads/b\ufffd',
      'refs/tags/t\ufffd',
      'refs/notes/n\ufffd',
      'refs/cairn-mirror/\ufffd',
    ];
    const blocked = (scope: Partial<RefScope>) =>
      planned({ source: { 'refs/heads/a': A }, unusable: names, scope })
        .filter((line) => line.startsWith('block'))
        .map((line) => line.slice('block refs/'.length, -1));
    expect(blocked({})).toEqual(['heads/b']);
    expect(blocked({ tags: true })).toEqual(['heads/b', 'tags/t']);
    expect(blocked({ allRefs: true })).toEqual(['heads/b', 'tags/t', 'notes/n']);
    expect(blocked({ allRefs: true, excludedPrefixes: ['refs/heads/b', 'refs/notes/'] })).toEqual(['tags/t']);
    expect(blocked({ branches: ['a'] })).toEqual([]);
    expect(blocked({ branches: ['a'], tags: true })).toEqual(['tags/t']);
    expect(blocked({ mappings: [{ source: 'a', target: 'z' }] })).toEqual([]);
    expect(blocked({ mappings: [{ source: 'a', target: 'z' }], allRefs: true })).toEqual([]);
  });

  it('asks for the ancestry of the needed pairs only', () => {
    const world: World = {
      source: { 'refs/heads/a': A, 'refs/heads/b': B, 'refs/heads/c': C, 'refs/tags/t': A },
      target: { 'refs/heads/a': B, 'refs/heads/b': B, 'refs/tags/t': B },
      scope: { tags: true },
    };
    expect(ancestryPairs(input(world))).toEqual([{ old: B, new: A }]);
    expect(ancestryPairs(input({ ...world, policy: { force: true } }))).toEqual([]);
    expect(ancestryPairs(input({ ...world, policy: { mode: 'replicate' } }))).toEqual([]);
  });

  it('blocks tags and other refs that differ, unless it is forced', () => {
    const world = {
      source: { 'refs/heads/a': A, 'refs/notes/x': A, 'refs/tags/t': A },
      target: { 'refs/heads/a': B, 'refs/notes/x': B, 'refs/tags/t': B },
      scope: { allRefs: true },
    };
    expect(planned(world, [[B, A, 'yes']])).toEqual([
      'update refs/heads/a',
      'block refs/notes/x',
      'block refs/tags/t',
    ]);
    expect(planned({ ...world, policy: { force: true } })).toEqual([
      'update refs/heads/a',
      'update refs/notes/x',
      'update refs/tags/t',
    ]);
  });

  it('puts the branch of HEAD first, also under another name', () => {
    const world = { source: { 'refs/heads/a': A, 'refs/heads/main': B }, head: 'refs/heads/main' };
    expect(planned(world)).toEqual(['create refs/heads/main', 'create refs/heads/a']);
    const mappings = [
      { source: 'a', target: 'x' },
      { source: 'main', target: 'y' },
    ];
    expect(planned({ ...world, scope: { mappings } })).toEqual([
      'create refs/heads/y',
      'create refs/heads/x',
    ]);
  });

  it('blocks a named branch that the source does not have', () => {
    expect(planned({ source: {}, scope: { branches: ['gone'] } })).toEqual(['block refs/heads/gone']);
  });
});

describe('prune', () => {
  it('deletes refs that the source does not have, last', () => {
    const world = {
      source: { 'refs/heads/a': A },
      target: { 'refs/heads/0': B, 'refs/tags/t': B },
      policy: { prune: true },
    };
    expect(planned(world)).toEqual(['create refs/heads/a', 'delete refs/heads/0']);
    expect(planned({ ...world, scope: { tags: true } })).toEqual([
      'create refs/heads/a',
      'delete refs/heads/0',
      'delete refs/tags/t',
    ]);
  });

  it('keeps a ref that the source has under another name than its mapping', () => {
    const world = {
      source: { 'refs/tags/t': A },
      target: { 'refs/tags/t': A },
      scope: { tags: true, mappings: [{ source: 'refs/tags/t', target: 'refs/tags/u' }] },
      policy: { prune: true },
    };
    expect(planned(world)).toEqual(['create refs/tags/u', 'skip refs/tags/t']);
  });

  it('is blocked for a target that allows no deletions', () => {
    const world = {
      source: { 'refs/heads/a': A },
      target: { 'refs/heads/b': B },
      policy: { prune: true },
      canDelete: false,
    };
    expect(planned(world)).toEqual(['create refs/heads/a', 'block refs/heads/b']);
  });
});

describe('prune with an unreliable source', () => {
  const target = { 'refs/heads/a': B, 'refs/tags/t': B };
  const policies = [
    { prune: true },
    { prune: true, force: true },
    { prune: true, mode: 'replicate' as const },
  ];

  it.each(policies)('deletes nothing when it lists no refs: %j', (policy) => {
    expect(planned({ source: {}, target, scope: { tags: true }, policy })).toEqual([
      'block refs/heads/a',
      'block refs/tags/t',
    ]);
  });

  it.each(policies)('deletes nothing when it lists no branches: %j', (policy) => {
    const source = { 'refs/pull/1/head': A, 'refs/tags/u': A };
    expect(planned({ source, target, scope: { tags: true }, policy })).toEqual([
      'create refs/tags/u',
      'block refs/heads/a',
      'block refs/tags/t',
    ]);
  });

  it('deletes tags if branches were not requested', () => {
    const mappings = [{ source: 'refs/tags/u', target: 'refs/tags/u' }];
    const world = {
      source: { 'refs/tags/u': A },
      target,
      scope: { tags: true, mappings },
      policy: { prune: true },
    };
    expect(planned(world)).toEqual(['create refs/tags/u', 'delete refs/tags/t']);
  });
});

describe('a ref in the way of another', () => {
  const source = { 'refs/heads/a/b': A };

  it('blocks it', () => {
    expect(planned({ source, target: { 'refs/heads/a': B } })).toEqual(['block refs/heads/a/b']);
    expect(planned({ source: { 'refs/heads/a': A }, target: { 'refs/heads/a/b': B } })).toEqual([
      'block refs/heads/a',
    ]);
  });

  it('is deleted before it if it is pruned', () => {
    const world = { source, target: { 'refs/heads/a': B, 'refs/heads/z': B }, policy: { prune: true } };
    expect(planned(world)).toEqual(['delete refs/heads/a', 'create refs/heads/a/b', 'delete refs/heads/z']);
    expect(
      planned({
        source: { 'refs/heads/a': A },
        target: { 'refs/heads/a/b': B, 'refs/heads/a/c': B },
        policy: { prune: true },
      }),
    ).toEqual(['delete refs/heads/a/b', 'delete refs/heads/a/c', 'create refs/heads/a']);
  });

  it('stays if the new ref is blocked all the same', () => {
    const world = {
      source,
      target: { 'refs/heads/a/b/c': B, 'refs/heads/a/b/d': B, 'refs/heads/z': B },
      scope: { excludedPrefixes: ['refs/heads/a/b/d'] },
      policy: { prune: true },
    };
    expect(planned(world)).toEqual([
      'block refs/heads/a/b',
      'delete refs/heads/a/b/c',
      'delete refs/heads/z',
    ]);
  });

  it('may be created by the same run', () => {
    expect(planned({ source: { 'refs/heads/a': A, 'refs/heads/a/b': A } })).toEqual([
      'create refs/heads/a',
      'block refs/heads/a/b',
    ]);
  });
});

describe('replicate and bootstrap', () => {
  it('replicate overwrites every difference', () => {
    const world = {
      source: { 'refs/heads/a': A, 'refs/tags/t': A },
      target: { 'refs/heads/a': B, 'refs/tags/t': B },
      scope: { tags: true },
      policy: { mode: 'replicate' as const },
    };
    expect(planned(world)).toEqual(['update refs/heads/a', 'update refs/tags/t']);
  });

  it('bootstrap blocks every ref that exists, equal or not', () => {
    const world = {
      source: { 'refs/heads/a': A, 'refs/heads/b': B, 'refs/heads/c': C },
      target: { 'refs/heads/a': A, 'refs/heads/b': A },
      policy: { mode: 'bootstrap' as const },
    };
    expect(planned(world)).toEqual(['block refs/heads/a', 'block refs/heads/b', 'create refs/heads/c']);
  });
});

it('60,000 refs in the way of one are found in one pass', () => {
  const target = Object.fromEntries(Array.from({ length: 60_000 }, (_, at) => [`refs/heads/a/${at}`, B]));
  const plan = planRefs(input({ source: { 'refs/heads/a': A }, target, policy: { prune: true } }), new Map());
  expect(plan.refs).toHaveLength(60_001);
  expect(plan.refs.at(-1)).toMatchObject({ action: 'create', target: 'refs/heads/a' });
});

it('a plan of 20,000 refs does not compare all pairs', () => {
  const source = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`refs/heads/b${at}/x`, A]));
  const target = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`refs/heads/c${at}`, B]));
  const plan = planRefs(input({ source, target, policy: { prune: true } }), new Map());
  expect(plan.refs).toHaveLength(40_000);
});
