import { expect, it } from 'vitest';
import { printable } from '../../../src/cli/printable.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { testSeed } from '../../helpers/test-seed.ts';

const SEED = testSeed();

/** What a terminal may get: no control characters but tabs and line feeds, no characters that change the direction of a text. */
const SAFE = /^[^\p{Cc}\p{Bidi_Control}]*$/u;

function isSafe(text: string): boolean {
  return SAFE.test(text.replace(/[\t\n]/g, ''));
}

it('escapes every character that a terminal obeys, and no other', () => {
  const wrong: string[] = [];
  for (let code = 0; code < 0x1_0000; code++) {
    const character = String.fromCharCode(code);
    const shown = printable(character);
    if (!isSafe(shown) || (isSafe(character) && shown !== character)) wrong.push(`U+${code.toString(16)}`);
  }
  expect(wrong).toEqual([]);
  expect(printable('a\u001b[31mb\u009b0m\rc')).toBe('a\\u001b[31mb\\u009b0m\\u000dc');
});

it(`leaves the meaning of JSON as it is (seed ${SEED})`, () => {
  const random = new SeededRandom(SEED);
  const interesting = ['\u001b', '\u007f', '\u009b', '\u202e', '\\', '"', 'é', '\n', '\ud83d\ude00', 'a'];
  for (let round = 0; round < 500; round++) {
    const text = Array.from({ length: 12 }, () => interesting[random.below(interesting.length)]).join('');
    const printed = printable(JSON.stringify({ text }, undefined, 2));
    expect(isSafe(printed)).toBe(true);
    expect(JSON.parse(printed)).toEqual({ text });
  }
});
