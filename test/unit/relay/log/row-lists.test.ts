import { describe, expect, it } from 'vitest';
import { RowLists } from '../../../../src/relay/log/row-lists.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

/** Rows in order of their numbers: the larger, the newer. */
const newest = (a: number, b: number) => b - a;

function rowsOf(lists: RowLists, list: number, passes?: (row: number) => boolean): number[] {
  const found: number[] = [];
  for (const cursor = lists.cursor(list, passes); cursor.row >= 0; cursor.next()) found.push(cursor.row);
  return found;
}

describe('lists of rows (issue 11, point 10)', () => {
  it.each([
    ['short', 1, 60],
    ['around the length at which they change', 2, 700],
    ['long', 3, 9_000],
  ])('%s equal a sorted array (seed %d)', (_, seed, rows) => {
    const random = new SeededRandom(seed);
    const lists = new RowLists(newest);
    const [names, models] = [
      [0, 0, 0],
      [new Set<number>(), new Set<number>(), new Set<number>()],
    ];
    // It grows, shrinks to nothing, and grows again.
    for (const share of [0.9, 0.1, 0.8]) {
      for (let round = 0; round < rows * 3; round++) {
        const at = random.below(3);
        const [name = 0, model = new Set<number>()] = [names[at], models[at]];
        const row = 1 + random.below(rows);
        if (model.has(row)) {
          if (random.fraction() < share) continue;
          names[at] = lists.remove(name, row);
          model.delete(row);
        } else if (random.fraction() < share) {
          names[at] = lists.add(name, row);
          model.add(row);
        } else {
          expect(lists.remove(name, row)).toBe(name);
        }
      }
      for (const [at, model] of models.entries()) {
        const sorted = [...model].sort(newest);
        const until = random.below(rows);
        expect(lists.count(names[at] ?? 0)).toBe(model.size);
        expect(rowsOf(lists, names[at] ?? 0)).toEqual(sorted);
        expect(rowsOf(lists, names[at] ?? 0, (row) => row <= until)).toEqual(
          sorted.filter((row) => row <= until),
        );
      }
    }
    for (const [at, model] of models.entries()) {
      for (const row of model) names[at] = lists.remove(names[at] ?? 0, row);
    }
    expect(names).toEqual([0, 0, 0]);
  });

  it.each([
    ['in order', (row: number) => row],
    ['the newest first', (row: number) => 1_000_000 - row],
    ['all over the place', (row: number) => (row * 7_919) % 100_003],
  ])('need little memory beyond their rows if these come %s', (_, nth) => {
    const lists = new RowLists(newest);
    let list = 0;
    for (let row = 1; row <= 100_000; row++) list = lists.add(list, nth(row));
    expect(lists.count(list)).toBe(100_000);
    // A page of 256 KiB for each size of blocks, and room in the pieces.
    expect(lists.bytes).toBeLessThan(10 * 256 * 1024 + 100_000 * 4 * 2.5);
  });
});
