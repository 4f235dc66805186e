import { expect, it } from 'vitest';
import type { DiffLine, Mark } from '../../../../src/git/diff/unified-diff.ts';
import { compareWords, markWords } from '../../../../src/git/diff/word-marks.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

const plenty = () => ({ steps: 1_000_000 });

function marked(text: string, marks: readonly Mark[]): string[] {
  return marks.map(([start, end]) => text.slice(start, end));
}

function unmarked(text: string, marks: readonly Mark[]): string {
  const edges = [0, ...marks.flat(), text.length];
  let kept = '';
  for (let at = 0; at < edges.length; at += 2) kept += text.slice(edges[at], edges[at + 1]);
  return kept;
}

it('changed words are marked, except in lines that have little in common', () => {
  const [left, right] = ['const size = count + 1;', 'const length = count + 2;'];
  const marks = compareWords(left, right, plenty());
  expect(marked(left, marks?.left ?? [])).toEqual(['size', '1']);
  expect(marked(right, marks?.right ?? [])).toEqual(['length', '2']);
  expect(compareWords('one two three', 'entirely other words', plenty())).toBeUndefined();
});

it('lines are compared in order with the lines that replace them', () => {
  const line = (kind: DiffLine['kind'], text: string): DiffLine => ({
    kind,
    oldLine: 1,
    newLine: 1,
    text,
  });
  const lines = [
    line('deleted', 'a = 1'),
    line('deleted', 'b = 1'),
    line('added', 'a = 2'),
    line('context', 'a = 3'),
    line('added', 'a = 4'),
  ];
  const result = markWords({ heading: '', lines }, plenty());
  expect(result.lines.map(({ text, marks }) => marks && marked(text, marks))).toEqual([
    ['1'],
    undefined,
    ['2'],
    undefined,
    undefined,
  ]);
});

it('unmarked text is the same in both lines', () => {
  const seed = 7;
  const random = new SeededRandom(seed);
  const words = ['a', 'bb', 'é', '😀', ' ', '  ', '(', '.', '\t', 'ab'];
  const line = () => Array.from({ length: random.below(25) }, () => random.pick(words));
  const changed = (parts: string[]) =>
    parts.map((part) => (random.below(4) === 0 ? random.pick(words) : part));
  let compared = 0;
  for (let round = 0; round < 2_000; round++) {
    const parts = line();
    const [left, right] = [parts.join(''), changed(parts).join('')];
    const marks = compareWords(left, right, plenty());
    if (marks === undefined) continue;
    compared++;
    expect(unmarked(left, marks.left), `seed ${seed}: ${JSON.stringify([left, right])}`).toBe(
      unmarked(right, marks.right),
    );
  }
  expect(compared).toBeGreaterThan(500);
});

it('a budget limits the work for any lines', () => {
  const budget = { steps: 100_000 };
  const left = 'a '.repeat(400);
  const right = 'b a '.repeat(200);
  for (let round = 0; round < 1_000; round++) compareWords(left, right, budget);
  // The words of the last pair are counted before it is refused.
  expect(budget.steps).toBeGreaterThan(-2_000);
  expect(compareWords('a b', 'a c', budget)).toBeUndefined();
  expect(compareWords('x'.repeat(2_000), 'x'.repeat(2_000), plenty())).toBeUndefined();
});
