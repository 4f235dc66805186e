import { expect, it } from 'vitest';
import { MOST_COLUMNS, MOST_ROWS, readDelimited } from '../../../../src/web/render/delimited.ts';

it('cells may be quoted, and then contain separators, quotes and line feeds', () => {
  const text = 'a,b,c\r\n"x, ""y""\n",,"\n1,2,\n';
  expect(readDelimited(text)?.rows).toEqual([
    ['a', 'b', 'c'],
    ['x, "y"\n', '', '\n1,2,\n'],
  ]);
  expect(readDelimited('a,b\n1,2\n')?.rows).toEqual([
    ['a', 'b'],
    ['1', '2'],
  ]);
  expect(readDelimited('a,b\n1,')?.rows).toEqual([
    ['a', 'b'],
    ['1', ''],
  ]);
});

it('the separator is the most frequent one in the first line', () => {
  expect(readDelimited('a;b;c,d\n')?.rows).toEqual([['a', 'b', 'c,d']]);
  expect(readDelimited('a\tb,c\n', '\t')?.rows).toEqual([['a', 'b,c']]);
});

it('a text with one column is not a table, and large tables are cut', () => {
  expect(readDelimited('')).toBeUndefined();
  expect(readDelimited('just\ntext\n')).toBeUndefined();
  const long = readDelimited('a,b\n'.repeat(MOST_ROWS + 1));
  expect([long?.rows.length, long?.cut]).toEqual([MOST_ROWS, true]);
  expect(readDelimited('a,b\n'.repeat(MOST_ROWS))?.cut).toBe(false);
  const wide = readDelimited('x,'.repeat(MOST_COLUMNS));
  expect([wide?.rows[0]?.length, wide?.cut]).toEqual([MOST_COLUMNS, true]);
  expect(readDelimited(`${'y'.repeat(501)},b`)?.rows[0]?.[0]).toBe(`${'y'.repeat(500)}…`);
});

it('unclosed quotes take time proportional to the text', () => {
  expect(readDelimited('"a,'.repeat(300_000))?.cut).toBe(true);
  expect(readDelimited('"",'.repeat(300_000))?.cut).toBe(true);
});
