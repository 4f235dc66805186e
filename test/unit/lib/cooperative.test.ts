import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  type Cooperative,
  cooperate,
  filtered,
  inBatches,
  mapped,
  runToEnd,
  sorted,
  Yielder,
} from '../../../src/lib/cooperative.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { turnsDuring } from '../../helpers/turns-during.ts';

it('slices cover everything, in order', async () => {
  const pieces: number[][] = [];
  for await (const piece of inBatches([1, 2, 3, 4, 5], 2)) pieces.push([...piece]);
  expect(pieces).toEqual([[1, 2], [3, 4], [5]]);
});

/** Keeps the processor busy for so many milliseconds, and lets others in after each step of one. */
function* busy(milliseconds: number): Cooperative<string> {
  for (let step = 0; step < milliseconds; step++) {
    const until = performance.now() + 1;
    while (performance.now() < until);
    yield;
  }
  return 'done';
}

describe('long work', () => {
  it('has the same result at once and in slices', async () => {
    expect(runToEnd(busy(3))).toBe('done');
    expect(await cooperate(busy(3))).toBe('done');
  });

  it('in slices yields to other work', async () => {
    expect(await turnsDuring(cooperate(busy(100)))).toBeGreaterThanOrEqual(8);
  });

  it('of two callers never runs in the same turn', async () => {
    const slices: string[] = [];
    const watched = function* (name: string): Cooperative<void> {
      for (let step = 0; step < 40; step++) {
        const until = performance.now() + 1;
        while (performance.now() < until);
        slices.push(name);
        yield;
      }
    };
    let turn = 0;
    const turnsOf = new Map<string, Set<number>>();
    const record = (name: string) => turnsOf.set(name, (turnsOf.get(name) ?? new Set()).add(turn));
    const both = Promise.all(
      ['a', 'b'].map(async (name) => {
        const pauses = new Yielder();
        for (const _ of watched(name)) {
          await pauses.next();
          record(name);
        }
      }),
    );
    let going = true;
    void both.finally(() => {
      going = false;
    });
    while (going) {
      await nextTurn();
      turn++;
    }
    await both;
    expect(slices.length).toBe(80);
    // Both begin in the first turn. After that each turn belongs to one of them.
    const [a = new Set<number>(), b = new Set<number>()] = [turnsOf.get('a'), turnsOf.get('b')];
    expect([...a].filter((at) => at > 0 && b.has(at))).toEqual([]);
  });

  it('throws its error', async () => {
    const failing = function* (): Cooperative<void> {
      yield;
      throw new Error('no');
    };
    await expect(cooperate(failing())).rejects.toThrow('no');
    expect(() => runToEnd(failing())).toThrow('no');
  });

  it('filters and maps like the array methods', () => {
    const numbers = Array.from({ length: 100 }, (_, at) => at);
    expect(runToEnd(filtered(numbers, (number) => number % 3 === 0))).toEqual(
      numbers.filter((number) => number % 3 === 0),
    );
    expect(runToEnd(mapped(numbers, (number) => number * 2))).toEqual(numbers.map((number) => number * 2));
  });

  it.each([0, 1, 2, 1_023, 1_024, 1_025, 2_048, 5_000, 7_171])('sorts %i items stably', (count) => {
    const random = new SeededRandom(count);
    const items = Array.from({ length: count }, (_, at) => ({ key: random.below(count), at }));
    const compare = (a: { key: number }, b: { key: number }) => a.key - b.key;
    expect(runToEnd(sorted(items, compare))).toEqual([...items].sort(compare));
  });
});
