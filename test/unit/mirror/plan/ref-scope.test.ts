import { describe, expect, it } from 'vitest';
import {
  checkScope,
  desiredRefs,
  isPrunable,
  parseMapping,
  type RefScope,
  refPrefixes,
  wholeScope,
} from '../../../../src/mirror/plan/ref-scope.ts';

const REFS = new Map([
  ['refs/heads/dev', '1'],
  ['refs/heads/main', '2'],
  ['refs/notes/commits', '3'],
  ['refs/pull/1/head', '4'],
  ['refs/tags/v1', '5'],
  ['refs/cairn-mirror/seed/x', '6'],
]);

const scope = (change: Partial<RefScope>): RefScope => ({ ...wholeScope, ...change });
const targets = (change: Partial<RefScope>) => desiredRefs(scope(change), REFS).map((ref) => ref.target);

describe('the selected refs', () => {
  it.each<[string, Partial<RefScope>, string[]]>([
    ['branches alone', {}, ['refs/heads/dev', 'refs/heads/main']],
    ['tags, too', { tags: true }, ['refs/heads/dev', 'refs/heads/main', 'refs/tags/v1']],
    ['some branches', { branches: ['main'] }, ['refs/heads/main']],
    ['some branches and tags', { branches: ['main'], tags: true }, ['refs/heads/main', 'refs/tags/v1']],
    [
      'every ref, temporary ones left out',
      { allRefs: true },
      ['refs/heads/dev', 'refs/heads/main', 'refs/notes/commits', 'refs/pull/1/head', 'refs/tags/v1'],
    ],
    [
      'every ref overrides a list of branches',
      { allRefs: true, branches: ['main'], excludedPrefixes: ['refs/pull/'] },
      ['refs/heads/dev', 'refs/heads/main', 'refs/notes/commits', 'refs/tags/v1'],
    ],
    ['without an exact name', { excludedRefs: ['refs/heads/dev'] }, ['refs/heads/main']],
    [
      'a blank prefix excludes nothing',
      { excludedPrefixes: [' ', ''] },
      ['refs/heads/dev', 'refs/heads/main'],
    ],
    [
      'a prefix excludes a sibling of the same beginning',
      { excludedPrefixes: ['refs/heads/d'] },
      ['refs/heads/main'],
    ],
    ['a mapping', { mappings: [{ source: 'main', target: 'trunk' }] }, ['refs/heads/trunk']],
    [
      'a mapping that an exclusion names stays',
      { mappings: [{ source: 'main', target: 'trunk' }], excludedPrefixes: ['refs/heads/'] },
      ['refs/heads/trunk'],
    ],
    [
      'a mapping of whole names, and the other tags',
      { mappings: [{ source: 'refs/tags/v1', target: 'refs/tags/one' }], tags: true },
      ['refs/tags/one', 'refs/tags/v1'],
    ],
  ])('%s', (_, change, expected) => {
    expect(targets(change)).toEqual(expected);
  });

  it('name a branch without an id if the source does not have it', () => {
    expect(desiredRefs(scope({ branches: ['gone'] }), REFS)).toEqual([
      { kind: 'branch', source: 'refs/heads/gone', target: 'refs/heads/gone', oid: undefined },
    ]);
  });

  it('need no more refs from the source than necessary', () => {
    expect(refPrefixes(scope({}))).toEqual(['HEAD', 'refs/heads/']);
    expect(refPrefixes(scope({ tags: true }))).toEqual(['HEAD', 'refs/heads/', 'refs/tags/']);
    expect(refPrefixes(scope({ branches: ['a'] }))).toEqual(['HEAD', 'refs/heads/a']);
    expect(refPrefixes(scope({ allRefs: true, branches: ['a'] }))).toEqual(['HEAD', 'refs/']);
    expect(refPrefixes(scope({ mappings: [{ source: 'refs/tags/v1', target: 'refs/tags/x' }] }))).toEqual([
      'HEAD',
      'refs/tags/v1',
    ]);
  });
});

describe('accepted and refused selections', () => {
  it.each<[string, Partial<RefScope>, RegExp]>([
    [
      'a branch and a tag',
      { mappings: [{ source: 'refs/heads/a', target: 'refs/tags/a' }] },
      /both must be branches, or both tags/,
    ],
    ['a short and a whole name', { mappings: [{ source: 'a', target: 'refs/heads/a' }] }, /both/],
    ['refs elsewhere', { mappings: [{ source: 'refs/x/a', target: 'refs/x/b' }] }, /--all-refs/],
    [
      'one target twice',
      {
        mappings: [
          { source: 'a', target: 'c' },
          { source: 'b', target: 'c' },
        ],
      },
      /two mappings/,
    ],
    ['an impossible name', { mappings: [{ source: 'a', target: 'b..c' }] }, /\.\./],
    [
      'a temporary ref',
      { allRefs: true, mappings: [{ source: 'refs/x/a', target: 'refs/cairn-mirror/a' }] },
      /temporary/,
    ],
    ['a branch without a name', { branches: [''] }, /empty|end with/],
    ['a branch with a space', { branches: ['a b'] }, /not the name/],
  ])('refuse %s', (_, change, reason) => {
    expect(() => checkScope(scope(change))).toThrow(reason);
  });

  it.each([
    ['a:b', { source: 'a', target: 'b' }],
    [' a : b ', { source: 'a', target: 'b' }],
    ['refs/tags/a:refs/tags/b', { source: 'refs/tags/a', target: 'refs/tags/b' }],
  ])('accept the mapping %j', (text, expected) => {
    expect(parseMapping(text)).toEqual(expected);
  });

  it.each(['a', 'a:', ':b', '', 'a:b:c'])('refuse the mapping %j', (text) => {
    expect(() => parseMapping(text)).toThrow(/not a mapping/);
  });
});

describe('the pruned refs', () => {
  const prunable = (change: Partial<RefScope>) =>
    [...REFS.keys()].filter((name) => isPrunable(scope(change), name));

  it.each<[string, Partial<RefScope>, string[]]>([
    ['branches', {}, ['refs/heads/dev', 'refs/heads/main']],
    ['no branch beside those that were named', { branches: ['main'] }, []],
    ['tags when they are in scope', { branches: ['main'], tags: true }, ['refs/tags/v1']],
    ['nothing beside mappings', { mappings: [{ source: 'a', target: 'b' }] }, []],
    [
      'everything, but for what is excluded and temporary refs',
      { allRefs: true, excludedPrefixes: ['refs/pull/'] },
      ['refs/heads/dev', 'refs/heads/main', 'refs/notes/commits', 'refs/tags/v1'],
    ],
  ])('%s', (_, change, expected) => {
    expect(prunable(change)).toEqual(expected);
  });
});
