import { describe, expect, it } from 'vitest';
import { HashTable } from '../../../src/lib/hash-table.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';

describe('a table of hashes (issue 11, point 10)', () => {
  it.each([1, 2, 3])('finds exactly its members after random adds and removes (seed %d)', (seed) => {
    const random = new SeededRandom(seed);
    const table = new HashTable();
    // Lower halves that are often the same: many share a place.
    const hashes = Array.from({ length: 600 }, (_, high) => ({ high, low: random.below(90) * 64 }));
    const model = new Map<number, number>();
    for (let round = 0; round < 20_000; round++) {
      const hash = random.pick(hashes);
      const known = model.get(hash.high);
      expect(table.find(hash)).toBe(known ?? -1);
      if (known === undefined) {
        const number = table.add(hash);
        expect([...model.values()]).not.toContain(number);
        model.set(hash.high, number);
      } else if (random.below(3) > 0) {
        table.remove(known);
        model.delete(hash.high);
      }
      expect(table.size).toBe(model.size);
    }
    expect(table.end).toBeLessThanOrEqual(600);
  });

  it('reuses free numbers before new ones', () => {
    const table = new HashTable();
    const [a, b] = [1, 2].map((low) => table.add({ high: 0, low }));
    table.remove(a ?? -1);
    expect(table.add({ high: 0, low: 3 })).toBe(a);
    expect(table.add({ high: 0, low: 4 })).toBe((b ?? 0) + 1);
  });
});
