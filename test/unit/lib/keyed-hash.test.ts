import { describe, expect, it } from 'vitest';
import { KeyedHash } from '../../../src/lib/keyed-hash.ts';

const hash = new KeyedHash('0011223344556677');

function of(space: number, text: string, by = hash): string {
  by.text(space, text);
  return `${by.high}:${by.low}`;
}

describe('a keyed hash', () => {
  const digest = 'ab'.repeat(32);
  const texts = [
    '',
    'a',
    '\0',
    'a\0',
    'ab',
    'ba',
    'abc',
    'é',
    'e',
    '\u{1F600}',
    digest,
    digest.toUpperCase(),
    `${digest}0`,
    `${digest.slice(1)}g`,
    `${digest.slice(1)}\u0161`,
    'x'.repeat(10_000),
    'x'.repeat(10_001),
  ];

  it('differs by text, space and key', () => {
    const other = new KeyedHash('0011223344556678');
    const all = texts.flatMap((text) => [of(1, text), of(2, text), of(1, text, other)]);
    expect(new Set(all).size).toBe(all.length);
  });

  it('is the same for equal input', () => {
    expect(texts.map((text) => of(1, text))).toEqual(texts.map((text) => of(1, text)));
  });

  it('of an id covers its first 128 bits', () => {
    const ids = Array.from({ length: 32 }, (_, at) => `${'0'.repeat(at)}1${'0'.repeat(63 - at)}`);
    const all = ids.map((id) => {
      hash.id(1, id);
      return `${hash.high}:${hash.low}`;
    });
    expect(new Set(all).size).toBe(32);
  });

  it('uses all bits evenly', () => {
    const ones = new Array<number>(64).fill(0);
    for (let number = 0; number < 4_000; number++) {
      hash.number(3, number);
      for (let bit = 0; bit < 64; bit++) {
        const word = bit < 32 ? hash.low : hash.high;
        if ((word >>> (bit % 32)) & 1) ones[bit] = (ones[bit] ?? 0) + 1;
      }
    }
    // 6 times the standard deviation (31.6) off the middle happens once in 10 million keys, and this key is fixed.
    for (const count of ones) expect(Math.abs(count - 2_000)).toBeLessThan(190);
  });
});
