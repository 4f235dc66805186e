import { expect, it } from 'vitest';
import { findReferences } from '../../../../src/git/objects/references.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

const found = (text: string) => findReferences(text).map(({ start, end }) => text.slice(start, end));

it('a URL in a sentence ends before its punctuation, and ids are words of hex digits', () => {
  expect(found('See https://e.org/a_(b). Or (http://e.org/x)!')).toEqual([
    'https://e.org/a_(b)',
    'http://e.org/x',
  ]);
  expect(found(`Reverts deadbeef1, ${'1'.repeat(40)}.`)).toEqual(['deadbeef1', '1'.repeat(40)]);
  for (const none of [
    '#12 GH-5',
    '20261129',
    'deadbee-f',
    'x/deadbeef',
    'deadbeef/x',
    'DEADBEEF',
    'abcdef',
    'a'.repeat(65),
    'javascript:alert(1) data:text/html,x ftp://e.org',
    'http://',
    'https://]',
  ]) {
    expect(found(none), none).toEqual([]);
  }
  // What changes the writing direction ends an address.
  expect(found('https://e.org/\u202egpj.exe')).toEqual(['https://e.org/']);
});

it('references in random texts are in order, do not overlap, and are bounded', () => {
  const seed = 99;
  const random = new SeededRandom(seed);
  const pieces = [
    'http://',
    'https://e.org',
    '/',
    '(',
    ')',
    '.',
    '"',
    '<',
    ' ',
    'deadbeef',
    'é',
    '\n',
    '?',
    '#',
    '\u0000',
  ];
  for (let round = 0; round < 300; round++) {
    const text = Array.from({ length: random.below(60) }, () => random.pick(pieces)).join('');
    let at = 0;
    for (const { kind, start, end } of findReferences(text)) {
      expect(start, `seed ${seed}: ${JSON.stringify(text)}`).toBeGreaterThanOrEqual(at);
      if (kind === 'url') expect(text.slice(start, end)).toMatch(/^https?:\/\/[^\s<>"]+$/);
      at = end;
    }
  }
  expect(findReferences('deadbeef '.repeat(10_000))).toHaveLength(200);
  expect(found(`https://e.org/${'('.repeat(1_000_000)}`)).toEqual([]);
});
