import { describe, expect, it } from 'vitest';
import { folded, fuzzyScore } from '../../../src/lib/fuzzy-score.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';

function best(query: string, ...paths: string[]): string | undefined {
  const scored = paths.map((path) => ({ path, score: fuzzyScore(query, folded(path))?.score ?? 0 }));
  return scored.sort((a, b) => b.score - a.score)[0]?.path;
}

describe('the better match', () => {
  it.each([
    ['readme', 'docs/reading/me.txt', 'README.md'],
    ['main', 'domain/x.ts', 'src/main.ts'],
    ['main.ts', 'src/main.tsx', 'a/very/long/folder/main.ts'],
    ['gp', 'src/graph.ts', 'src/git-process.ts'],
    ['src/a', 'x/src-b/ca', 'src/a.ts'],
  ])('for %j, compared with %j, is %j', (query, worse, better) => {
    expect(best(query, worse, better)).toBe(better);
  });
});

it('a match has the letters in order, with their positions, and other paths do not match', () => {
  const random = new SeededRandom(641);
  const letters = ['a', 'b', '/', '.', 'ß', '😀'];
  for (let round = 0; round < 3_000; round++) {
    const text = (most: number) =>
      Array.from({ length: 1 + random.below(most) }, () => random.pick(letters)).join('');
    const [query, path] = [text(4), text(12)];
    const fits = new RegExp(
      query
        .split('')
        .map((unit) => (unit === '/' || unit === '.' ? `\\${unit}` : unit))
        .join('[^]*'),
    ).test(path);
    const match = fuzzyScore(query, path);
    expect(match !== undefined, `${query} in ${path}`).toBe(fits);
    if (match === undefined) continue;
    expect(match.at.map((index) => path[index]).join('')).toBe(query);
    expect([...match.at]).toEqual([...new Set(match.at)].sort((a, b) => a - b));
    expect(match.score).toBeGreaterThan(0);
  }
});

it('the end of a very long path is searched, and case changes no index', () => {
  expect(fuzzyScore('x', `${'x/'.repeat(10_000)}y`)?.at[0]).toBeGreaterThan(18_000);
  expect(fuzzyScore('start', `start/${'y'.repeat(5_000)}`)).toBeUndefined();
  expect(folded('İx')).toHaveLength(2);
});
