import { expect, it } from 'vitest';
import { HashMemory } from '../../../src/lib/hash-memory.ts';
import { KeyedHash } from '../../../src/lib/keyed-hash.ts';

const KEY = '0123456789abcdef';

it('the hashes of its space are the same, remembered or not', () => {
  const memory = new HashMemory(new KeyedHash(KEY), 7);
  const plain = new KeyedHash(KEY);
  for (let round = 0; round < 2; round++) {
    for (let number = 0; number < 5_000; number++) {
      const text = `text ${number % 4_500}`;
      plain.text(7, text);
      expect(memory.of(text)).toEqual({ high: plain.high, low: plain.low });
    }
  }
});

it('long texts, which strangers could use to fill memory, are not remembered', () => {
  const memory = new HashMemory(new KeyedHash(KEY), 7);
  const long = 'x'.repeat(401);
  expect(memory.of(long)).toEqual(memory.of(long));
  expect(memory.has(long)).toBe(false);
  memory.of('short');
  expect(memory.has('short')).toBe(true);
});
