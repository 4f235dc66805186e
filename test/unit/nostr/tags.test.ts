import { describe, expect, test } from 'vitest';
import { expirationOf, isExpired } from '../../../src/nostr/expiration.ts';
import { allValues, firstValue, isProtected, tagsNamed, values } from '../../../src/nostr/tags.ts';

const event = {
  tags: [
    ['d', 'first', 'more'],
    ['clone', 'a', 'b'],
    ['empty'],
    ['d', 'second'],
    ['clone', 'c'],
    ['clone'],
    ['D', 'other case'],
  ],
};

describe('tags', () => {
  test('the first value comes from the first tag with exactly that name', () => {
    expect(firstValue(event, 'd')).toBe('first');
    expect(firstValue(event, 'D')).toBe('other case');
    expect(firstValue(event, 'x')).toBeUndefined();
    expect(firstValue(event, 'empty')).toBeUndefined();
  });

  test('values are the first of each tag', () => {
    expect(values(event, 'd')).toEqual(['first', 'second']);
    expect(values(event, 'clone')).toEqual(['a', 'c']);
    expect(values(event, 'empty')).toEqual([]);
  });

  test('both layouts of many values are read equally', () => {
    expect(allValues(event, 'clone')).toEqual(['a', 'b', 'c']);
    expect(allValues({ tags: [['clone', 'a', 'b', 'c']] }, 'clone')).toEqual(['a', 'b', 'c']);
    expect(
      allValues(
        {
          tags: [
            ['clone', 'a'],
            ['clone', 'b'],
            ['clone', 'c'],
          ],
        },
        'clone',
      ),
    ).toEqual(['a', 'b', 'c']);
  });

  test('whole tags are found by name', () => {
    expect(tagsNamed(event, 'clone')).toEqual([['clone', 'a', 'b'], ['clone', 'c'], ['clone']]);
    expect(tagsNamed(event, 'x')).toEqual([]);
  });

  test('a protected event has a tag with a single dash', () => {
    expect(isProtected({ tags: [['-']] })).toBe(true);
    expect(isProtected({ tags: [['t', '-']] })).toBe(false);
    expect(isProtected({ tags: [['--']] })).toBe(false);
  });
});

describe('the expiration of an event', () => {
  test.each<[string, string[][], number | undefined]>([
    ['a second', [['expiration', '1700000000']], 1_700_000_000],
    ['the epoch', [['expiration', '0']], 0],
    ['none', [], undefined],
    ['no value', [['expiration']], undefined],
    ['a fraction', [['expiration', '17.5']], undefined],
    ['an exponent', [['expiration', '1e9']], undefined],
    ['a sign', [['expiration', '-1']], undefined],
    ['words', [['expiration', 'tomorrow']], undefined],
    ['more than is exact', [['expiration', '9007199254740993']], undefined],
    [
      'the first of two',
      [
        ['expiration', '1'],
        ['expiration', '2'],
      ],
      1,
    ],
  ])('%s', (_what, tags, expected) => {
    expect(expirationOf({ tags })).toBe(expected);
  });

  test('takes effect in the second that it names', () => {
    const tags = [['expiration', '100']];
    expect(isExpired({ tags }, 99)).toBe(false);
    expect(isExpired({ tags }, 100)).toBe(true);
    expect(isExpired({ tags: [] }, 100)).toBe(false);
  });
});
