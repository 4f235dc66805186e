import { expect, it } from 'vitest';
import { markRanges } from '../../../../src/web/render/mark-ranges.ts';

it('marks ranges of text, and leaves elements whole and references whole', () => {
  expect(markRanges('a b c', [[2, 3]])).toBe('a <mark>b</mark> c');
  expect(markRanges('<span class="k">const</span> a', [[3, 7]])).toBe(
    '<span class="k">con<mark>st</mark></span><mark> a</mark>',
  );
  expect(markRanges('a &lt; &amp;b', [[2, 3]])).toBe('a <mark>&lt;</mark> &amp;b');
  expect(markRanges('a &lt; &amp;b', [[3, 6]])).toBe('a &lt;<mark> </mark><mark>&amp;</mark><mark>b</mark>');
  expect(
    markRanges('abc', [
      [0, 1],
      [2, 3],
    ]),
  ).toBe('<mark>a</mark>b<mark>c</mark>');
  expect(markRanges('abc', [])).toBe('abc');
  expect(markRanges('abc', [[2, 9]])).toBe('ab<mark>c</mark>');
});

it('takes time in proportion to the line', () => {
  const html = '<span class="hljs-string">&lt;</span>x'.repeat(200_000);
  const every = Array.from({ length: 100_000 }, (_, at) => [4 * at, 4 * at + 2] as const);
  expect(markRanges(html, every).match(/<mark>/g)).toHaveLength(200_000);
});
