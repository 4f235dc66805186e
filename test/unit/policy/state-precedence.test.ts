import { describe, expect, test } from 'vitest';
import {
  currentStates,
  isNewerState,
  newestState,
  type StateStamp,
  stateDateProblem,
  whyOutdated,
} from '../../../src/policy/state-precedence.ts';

const stamp = (author: string, at: number, id: string): StateStamp => ({ author, at, id });

test.each([
  ['a later date', stamp('alice', 101, '5'), 'a newer state has been signed'],
  ['the same second and author', stamp('alice', 100, '4'), /same second.*lower id/],
  ['the same second, another author', stamp('bob', 100, '6'), /same second.*higher id/],
])('a signed state beside %s is answered with the reason (issue 11, point 24)', (_, counting, reason) => {
  expect(whyOutdated(stamp('alice', 100, '5'), counting)).toMatch(reason);
});

describe('a signed state compared with the last applied one', () => {
  const applied = stamp('alice', 100, '5');
  test.each<[string, StateStamp, boolean]>([
    ['later, by the same', stamp('alice', 101, '1'), true],
    ['later, by another', stamp('bob', 101, '1'), true],
    ['earlier, by the same', stamp('alice', 99, '9'), false],
    ['earlier, by another', stamp('bob', 99, '9'), false],
    ['the same second and author, lower id', stamp('alice', 100, '4'), true],
    ['the same second and author, larger id', stamp('alice', 100, '6'), false],
    ['the same second, another author, larger id', stamp('bob', 100, '6'), true],
    ['the same second, another author, lower id', stamp('bob', 100, '4'), false],
    ['itself', stamp('alice', 100, '5'), false],
  ])('%s', (_what, candidate, expected) => {
    expect(isNewerState(candidate, applied)).toBe(expected);
  });

  test('is newer if none was applied', () => {
    expect(isNewerState(stamp('alice', 0, '0'), null)).toBe(true);
  });

  test('with another stamp is either newer or older', () => {
    const stamps = ['alice', 'bob'].flatMap((author) =>
      [1, 2].flatMap((at) => ['1', '2', '3'].map((id) => stamp(author, at, `${id}${author}`))),
    );
    for (const a of stamps) {
      for (const b of stamps) if (a !== b) expect(isNewerState(a, b)).toBe(!isNewerState(b, a));
    }
  });
});

describe('the newest of many states', () => {
  test('does not depend on their order, even if pairs are circular', () => {
    // a5 beats b3 by its larger id, b3 beats a1 likewise, and a1 beats a5 as the lower one of one author.
    const [a1, a5, b3] = [stamp('alice', 9, '1'), stamp('alice', 9, '5'), stamp('bob', 9, '3')];
    expect([isNewerState(a5, b3), isNewerState(b3, a1), isNewerState(a1, a5)]).toEqual([true, true, true]);
    for (const sequence of permutations([a1, a5, b3, stamp('carol', 8, '9')])) {
      expect(newestState(sequence)).toBe(b3);
    }
  });

  test.each<[string, StateStamp[], string | undefined]>([
    ['none', [], undefined],
    ['one', [stamp('alice', 1, '1')], '1'],
    ['the latest', [stamp('alice', 1, '1'), stamp('bob', 3, '2'), stamp('alice', 2, '3')], '2'],
    ['the larger id of two authors', [stamp('alice', 1, '1'), stamp('bob', 1, '2')], '2'],
    ['the lower id of one author', [stamp('alice', 1, '1'), stamp('alice', 1, '2')], '1'],
  ])('%s', (_what, stamps, expected) => {
    for (const sequence of permutations(stamps)) expect(newestState(sequence)?.id).toBe(expected);
  });

  test('is the current one for each author', () => {
    const stamps = [
      stamp('alice', 1, '1'),
      stamp('bob', 1, '2'),
      stamp('alice', 2, '3'),
      stamp('bob', 1, '0'),
    ];
    for (const sequence of permutations(stamps)) {
      expect(
        currentStates(sequence)
          .map(({ id }) => id)
          .toSorted(),
      ).toEqual(['0', '3']);
    }
  });
});

test('a signed state may be dated at most 15 minutes ahead', () => {
  expect(stateDateProblem(stamp('alice', 1_900, '1'), 1_000)).toBeUndefined();
  expect(stateDateProblem(stamp('alice', 1_901, '1'), 1_000)).toContain('901 s ahead');
  expect(stateDateProblem(stamp('alice', 0, '1'), 1_000_000_000)).toBeUndefined();
});

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, index) =>
    permutations([...items.slice(0, index), ...items.slice(index + 1)]).map((rest) => [item, ...rest]),
  );
}
