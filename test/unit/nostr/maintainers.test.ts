import { describe, expect, test } from 'vitest';
import type { Announcement } from '../../../src/nostr/announcement.ts';
import {
  type MaintainerRule,
  maintainerClosure,
  maxMaintainerDepth,
  maxWriters,
} from '../../../src/nostr/maintainers.ts';

/** A world of announcements of one identifier: who names whom. */
function world(
  names: Readonly<Record<string, readonly string[]>>,
): (key: string) => Announcement | undefined {
  return (key) => {
    const maintainers = names[key];
    if (maintainers === undefined) return undefined;
    return {
      id: `id of ${key}`,
      owner: key,
      at: 1,
      identifier: 'x',
      clone: [],
      web: [],
      relays: [],
      maintainers,
      hashtags: [],
      protection: [],
      private: false,
      readers: [],
    };
  };
}

const writers = (names: Readonly<Record<string, readonly string[]>>, rule: MaintainerRule) =>
  maintainerClosure('a', world(names), rule).writers.join('');

describe('the keys that may write', () => {
  test.each<[string, Record<string, string[]>, Record<MaintainerRule, string>]>([
    ['an owner alone', { a: [] }, { recursive: 'a', reciprocal: 'a', 'owner-only': 'a' }],
    ['nothing announced', {}, { recursive: 'a', reciprocal: 'a', 'owner-only': 'a' }],
    [
      'maintainers who announced nothing',
      { a: ['b', 'c'] },
      { recursive: 'abc', reciprocal: 'a', 'owner-only': 'a' },
    ],
    [
      'a maintainer who names the owner back',
      { a: ['b', 'c'], b: ['a'], c: [] },
      { recursive: 'abc', reciprocal: 'ab', 'owner-only': 'a' },
    ],
    [
      'a maintainer whose own fork names a third',
      { a: ['b'], b: ['c'], c: ['d'] },
      { recursive: 'abcd', reciprocal: 'a', 'owner-only': 'a' },
    ],
    [
      'a chain that names back step by step',
      { a: ['b'], b: ['a', 'c'], c: ['b', 'd'], d: ['c'] },
      { recursive: 'abcd', reciprocal: 'abcd', 'owner-only': 'a' },
    ],
    [
      'one named by the owner who names another member back',
      { a: ['c', 'b'], b: ['a'], c: ['b'] },
      { recursive: 'acb', reciprocal: 'abc', 'owner-only': 'a' },
    ],
    [
      'two who vouch only for one another',
      { a: ['b', 'c'], b: ['c'], c: ['b'] },
      { recursive: 'abc', reciprocal: 'a', 'owner-only': 'a' },
    ],
    [
      'somebody who names the owner uninvited',
      { a: [], z: ['a'] },
      { recursive: 'a', reciprocal: 'a', 'owner-only': 'a' },
    ],
    [
      'a circle',
      { a: ['b'], b: ['c'], c: ['a', 'b'] },
      { recursive: 'abc', reciprocal: 'a', 'owner-only': 'a' },
    ],
    [
      'a circle in which all know one another',
      { a: ['b', 'c'], b: ['c', 'a'], c: ['a', 'b'] },
      { recursive: 'abc', reciprocal: 'abc', 'owner-only': 'a' },
    ],
    [
      'nearest first',
      { a: ['b', 'c'], b: ['a', 'd'], c: ['a', 'e'], d: ['b'], e: ['c'] },
      { recursive: 'abcde', reciprocal: 'abcde', 'owner-only': 'a' },
    ],
  ])('%s', (_what, names, expected) => {
    for (const rule of ['recursive', 'reciprocal', 'owner-only'] as const) {
      expect([rule, writers(names, rule)]).toEqual([rule, expected[rule]]);
      expect(maintainerClosure('a', world(names), rule).complete).toBe(true);
    }
  });

  test('follow from the announcements of writers only', () => {
    const names = { a: ['b', 'c'], b: ['a'], c: ['d'], z: ['a'] };
    expect(maintainerClosure('a', world(names), 'recursive')).toEqual({
      writers: ['a', 'b', 'c', 'd'],
      announcements: ['id of a', 'id of b', 'id of c'],
      complete: true,
    });
    expect(maintainerClosure('a', world(names), 'reciprocal').announcements).toEqual(['id of a', 'id of b']);
    expect(maintainerClosure('a', world(names), 'owner-only').announcements).toEqual(['id of a']);
    expect(maintainerClosure('a', world({}), 'recursive').announcements).toEqual([]);
  });
});

describe('bounds of maintainers', () => {
  const chain = (length: number) =>
    Object.fromEntries(
      Array.from({ length }, (_, step) => [
        step === 0 ? 'a' : `k${step}`,
        [`k${step + 1}`, step <= 1 ? 'a' : `k${step - 1}`],
      ]),
    );

  test.each(['recursive', 'reciprocal'] as const)('a chain ends after eight steps (%s)', (rule) => {
    const full = maintainerClosure('a', world({ ...chain(8), k8: ['k7'] }), rule);
    expect(full.writers.length).toBe(1 + maxMaintainerDepth);
    expect(full.complete).toBe(true);
    const cut = maintainerClosure('a', world({ ...chain(9), k9: ['k8'] }), rule);
    expect(cut.writers).toEqual(full.writers);
    expect(cut.complete).toBe(false);
  });

  test('at most 64 keys count, whoever names them', () => {
    const many = Array.from({ length: 63 }, (_, number) => `k${number}`);
    expect(maintainerClosure('a', world({ a: many }), 'recursive')).toMatchObject({ complete: true });
    const owner = maintainerClosure('a', world({ a: [...many, 'x'] }), 'recursive');
    expect(owner.writers).toEqual(['a', ...many]);
    expect(owner.complete).toBe(false);
    const second = maintainerClosure('a', world({ a: many.slice(1), k1: ['x', 'y'] }), 'recursive');
    expect(second.writers).toEqual(['a', ...many.slice(1), 'x']);
    expect(second.complete).toBe(false);
  });

  test('many keys that each name a thousand others take bounded time', () => {
    let looks = 0;
    const crowd = (key: string) => {
      looks += 1;
      return world({ [key]: Array.from({ length: 1000 }, (_, number) => `${key}/${number}`) })(key);
    };
    for (const rule of ['recursive', 'reciprocal'] as const) {
      const { writers: found, complete } = maintainerClosure('a', crowd, rule);
      expect(found.length).toBe(rule === 'recursive' ? maxWriters : 1);
      expect(complete).toBe(false);
    }
    expect(looks).toBeLessThan(1000);
  });
});
