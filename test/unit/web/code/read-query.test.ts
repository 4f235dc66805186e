import { expect, it } from 'vitest';
import { isCairnError } from '../../../../src/lib/errors.ts';
import { readChoice, readNumber } from '../../../../src/web/code/read-query.ts';

it.each([
  ['', 0],
  ['skip=', 0],
  ['skip=0', 0],
  ['skip=007', 7],
  ['skip=%2050%20', 50],
  ['skip=9999999', 9_999_999],
  ['skip=1&skip=x', 1],
])('%j has a number', (query, number) => {
  expect(readNumber(new URLSearchParams(query), 'skip')).toBe(number);
});

it.each(['-1', '+1', '1.5', '1e3', '0x10', 'x', '١', '10000000', '9'.repeat(400)])(
  '%j is refused: a program that counts must not begin anew',
  (text) => {
    const read = () => readNumber(new URLSearchParams({ skip: text }), 'skip');
    expect(read).toThrow(/^skip (?:is a whole number|has at most 7 digits)$/);
    try {
      read();
    } catch (error) {
      expect(isCairnError(error, 'invalid')).toBe(true);
    }
  },
);

it('a word is one of its choices, or the first of them where there is none', () => {
  const read = (query: string) => readChoice(new URLSearchParams(query), 'type', ['code', 'paths']);
  expect(['', 'type=', 'type=code', 'type=paths', 'other=x'].map(read)).toEqual([
    ...['code', 'code', 'code', 'paths', 'code'],
  ]);
  for (const query of ['type=Code', 'type=path', 'type=__proto__', 'type=code,paths'])
    expect(() => read(query), query).toThrow('type is one of: code, paths');
});
