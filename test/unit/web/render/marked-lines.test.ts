import { expect, it } from 'vitest';
import { markedLines } from '../../../../src/web/render/marked-lines.ts';

const bounds = { columns: 100, size: 100_000 };

it('elements over several lines are closed and opened again on each line', () => {
  const html = 'a <span class="x">b\n<span class="y">c\n\nd</span>e</span>\nf';
  expect(markedLines(html, bounds)).toEqual([
    'a <span class="x">b</span>',
    '<span class="x"><span class="y">c</span></span>',
    '<span class="x"><span class="y"></span></span>',
    '<span class="x"><span class="y">d</span>e</span>',
    'f',
  ]);
});

it('long lines are cut by visible characters, and entities and surrogate pairs stay whole', () => {
  const cut = (html: string, columns: number) => markedLines(html, { ...bounds, columns });
  expect(cut('<span class="x">&amp;&lt;&gt;</span>z\n12', 3)).toEqual([
    '<span class="x">&amp;&lt;&gt;</span>…',
    '12',
  ]);
  expect(cut('<span class="x">1234<span class="y">5</span>\n6</span>', 3)).toEqual([
    '<span class="x">123…</span>',
    '<span class="x">6</span>',
  ]);
  expect(cut('ab\u{1f600}c', 3)).toEqual(['ab…']);
});

it('nesting over many lines is limited', () => {
  const html = '<span class="x">'.repeat(1_000) + '\n'.repeat(10_000) + '</span>'.repeat(1_000);
  expect(markedLines(html, bounds)).toBeUndefined();
});

it('a text has one line more than line feeds', () => {
  expect(markedLines('', bounds)).toEqual(['']);
  expect(markedLines('\n\n', bounds)).toEqual(['', '', '']);
});
