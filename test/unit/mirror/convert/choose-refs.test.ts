import { describe, expect, it } from 'vitest';
import { chooseHead, chooseRefs, replacedId } from '../../../../src/mirror/convert/choose-refs.ts';

const oid = 'a'.repeat(40);
const refs = ['refs/tags/v1', 'refs/heads/main', 'refs/pull/1/head', 'refs/notes/commits'].map((name) => ({
  name,
  oid,
}));
const names = (options: Parameters<typeof chooseRefs>[0]) => chooseRefs(options).map(({ name }) => name);

describe('the refs of a conversion', () => {
  it('are in byte order, without the excluded ones', () => {
    expect(names({ refs })).toEqual([
      'refs/heads/main',
      'refs/notes/commits',
      'refs/pull/1/head',
      'refs/tags/v1',
    ]);
    expect(names({ refs, excludeRefPrefixes: ['refs/pull/', 'refs/notes/'] })).toEqual([
      'refs/heads/main',
      'refs/tags/v1',
    ]);
  });

  it.each(['refs/heads/', 'refs/tags/v', 'refs/', 're', '', 'refs/heads/old/'])(
    'cannot have the prefix "%s", which would leave out branches or tags',
    (prefix) => {
      expect(() => chooseRefs({ refs, excludeRefPrefixes: [prefix] })).toThrow(
        'would leave out branches or tags',
      );
    },
  );

  it.each([
    [[{ name: 'refs/heads/a b', oid }], 'must not contain " "'],
    [[{ name: 'refs/heads/../x', oid }], 'must not contain ".."'],
    [[{ name: `refs/heads/${'x'.repeat(251)}`, oid }], 'may be longer than 250 bytes'],
    [[{ name: 'refs/heads/x', oid: 'a'.repeat(64) }], 'has no SHA-1 id'],
    [[refs[0], refs[0]], 'is given twice'],
    [[{ name: 'refs/notes/sha1-origin', oid }], 'exclude it, or write no origin notes'],
    [[], 'there is no ref to convert'],
  ])('%j are refused: %s', (given, reason) => {
    expect(() => chooseRefs({ refs: given.filter((ref) => ref !== undefined) })).toThrow(reason);
  });

  it('may have the name of the origin notes if none are written', () => {
    const taken = [{ name: 'refs/notes/sha1-origin', oid }];
    expect(names({ refs: taken, originNotes: false })).toEqual(['refs/notes/sha1-origin']);
  });
});

describe('HEAD of a conversion', () => {
  const branches = (...short: string[]) => short.map((name) => `refs/heads/${name}`);

  it.each([
    ['the wished branch', branches('a', 'main', 'z'), 'refs/heads/z', 'refs/heads/z'],
    [
      'main, when the wished branch is missing',
      branches('a', 'main', 'master'),
      'refs/heads/z',
      'refs/heads/main',
    ],
    ['main, when none is wished', branches('a', 'main', 'master'), undefined, 'refs/heads/main'],
    ['master, when there is no main', branches('a', 'master'), undefined, 'refs/heads/master'],
    ['the first branch', branches('b', 'c'), undefined, 'refs/heads/b'],
    ['none, when there are only tags', ['refs/tags/v1'], undefined, undefined],
    ['no tag, although it is wished', ['refs/tags/v1', ...branches('x')], 'refs/tags/v1', 'refs/heads/x'],
    ['none, when there is nothing', [], 'refs/heads/main', undefined],
  ])('is %s', (_, all, wished, expected) => {
    expect(chooseHead(all, wished)).toBe(expected);
  });
});

it('the name of a replace ref contains an id', () => {
  expect(replacedId(`refs/replace/${oid}`)).toBe(oid);
  expect(replacedId('refs/replace/x')).toBeUndefined();
  expect(replacedId(`refs/heads/${oid}`)).toBeUndefined();
});
