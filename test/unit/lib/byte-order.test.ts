import { expect, it } from 'vitest';
import { compareBytes } from '../../../src/lib/byte-order.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';

const CHARACTERS = [
  ...[
    '',
    '\0',
    '/',
    '0',
    'A',
    'a',
    '\x7f',
    '\x80',
    'é',
    '\u07ff',
    '\u0800',
    '\ud7ff',
    '\ue000',
    '\uff21',
    '\uff5e',
    '\uffff',
  ],
  ...['\u{10000}', '\u{1f600}', '\u{1f601}', '\u{10ffff}'],
];

it('texts have the order of their UTF-8 bytes', () => {
  const random = new SeededRandom(1);
  const text = () => Array.from({ length: random.below(4) }, () => random.pick(CHARACTERS)).join('');
  const texts = [...CHARACTERS, ...Array.from({ length: 200 }, text)];
  for (const a of texts)
    for (const b of texts) {
      const expected = Buffer.compare(Buffer.from(a), Buffer.from(b));
      expect(Math.sign(compareBytes(a, b)), JSON.stringify([a, b])).toBe(expected);
    }
});

it('this is not the order of JavaScript', () => {
  expect('\u{1f600}' < '\uff5e').toBe(true);
  expect(compareBytes('\u{1f600}', '\uff5e')).toBeGreaterThan(0);
});
