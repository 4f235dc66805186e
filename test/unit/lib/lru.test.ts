import { describe, expect, it } from 'vitest';
import { LruMap } from '../../../src/lib/lru.ts';

describe('an LRU map', () => {
  it('removes the least recently used entry first', () => {
    const map = new LruMap<string, number>(3);
    for (const [value, key] of ['a', 'b', 'c'].entries()) map.set(key, value, 1);
    expect(map.get('a')).toBe(0);
    map.set('d', 3, 1);
    expect([map.get('a'), map.get('b'), map.get('c'), map.get('d')]).toEqual([0, undefined, 2, 3]);
    expect(map.size).toBe(3);
  });

  it('counts the weights of entries', () => {
    const map = new LruMap<string, string>(10);
    map.set('light', 'l', 1);
    map.set('heavy', 'h', 9);
    expect(map.size).toBe(2);
    map.set('more', 'm', 2);
    expect([map.get('light'), map.get('heavy'), map.get('more')]).toEqual([undefined, undefined, 'm']);
  });

  it('keeps a single entry that is heavier than its capacity', () => {
    const map = new LruMap<string, string>(10);
    map.set('small', 's', 5);
    map.set('huge', 'h', 100);
    expect([map.get('small'), map.get('huge')]).toEqual([undefined, 'h']);
    map.set('small', 's', 5);
    expect([map.get('small'), map.get('huge')]).toEqual(['s', undefined]);
  });

  it('counts a replaced entry once, with its new weight', () => {
    const map = new LruMap<string, number>(4);
    map.set('a', 1, 4);
    map.set('a', 2, 1);
    map.set('b', 3, 3);
    expect([map.get('a'), map.get('b')]).toEqual([2, 3]);
    map.delete('b');
    map.set('c', 4, 3);
    expect([map.get('a'), map.get('c')]).toEqual([2, 4]);
  });

  it('skips entries that must stay, and removes the next', () => {
    const busy = new Set([1]);
    const map = new LruMap<string, number>(2, (value) => !busy.has(value));
    map.set('busy', 1, 1);
    map.set('idle', 2, 1);
    map.set('new', 3, 1);
    expect([map.get('busy'), map.get('idle'), map.get('new')]).toEqual([1, undefined, 3]);
    busy.clear();
    map.set('newer', 4, 1);
    expect(map.size).toBe(2);
  });
});
