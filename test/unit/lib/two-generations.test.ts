import { describe, expect, it } from 'vitest';
import { TwoGenerations } from '../../../src/lib/two-generations.ts';

describe('a cache of two generations', () => {
  it('keeps used entries and drops the others, within its capacity', () => {
    const cache = new TwoGenerations<number, number>(100);
    for (let key = 0; key < 1000; key++) {
      cache.set(key, key, 7);
      expect(cache.get(0)).toBe(0);
      expect(cache.weight).toBeLessThanOrEqual(100);
    }
    expect(cache.get(999)).toBe(999);
    expect(cache.get(500)).toBeUndefined();
  });

  it('replaces and deletes entries, and does not keep one that is too heavy', () => {
    const cache = new TwoGenerations<string, string>(100);
    cache.set('a', 'old', 10);
    cache.set('a', 'new', 20);
    expect([cache.get('a'), cache.weight]).toEqual(['new', 20]);
    cache.set('a', 'heavy', 51);
    expect([cache.get('a'), cache.weight]).toEqual([undefined, 0]);
    cache.set('b', 'b', 40);
    cache.set('c', 'c', 40);
    cache.delete('b');
    expect([cache.get('b'), cache.get('c'), cache.weight]).toEqual([undefined, 'c', 40]);
  });
});
