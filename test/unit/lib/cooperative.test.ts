import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  atOnce,
  filtered,
  type Interruptible,
  inSlices,
  inTurns,
  mapped,
  Pauses,
  sorted,
} from '../../../src/lib/cooperative.ts';
import { SeededDice } from '../../helpers/seeded-dice.ts';

it('pieces are all that there is, in order', async () => {
  const pieces: number[][] = [];
  for await (const piece of inTurns([1, 2, 3, 4, 5], 2)) pieces.push([...piece]);
  expect(pieces).toEqual([[1, 2], [3, 4], [5]]);
});

/** Keeps the processor busy for so many milliseconds, and lets others in after each step of one. */
function* busy(milliseconds: number): Interruptible<string> {
  for (let step = 0; step < milliseconds; step++) {
    const until = performance.now() + 1;
    while (performance.now() < until);
    yield;
  }
  return 'done';
}

/** Counts the turns of the event loop until something has ended. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let going = true;
  const ended = work.finally(() => {
    going = false;
  });
  let turns = 0;
  while (going) {
    await nextTurn();
    turns++;
  }
  await ended;
  return turns;
}

describe('long work', () => {
  it('comes to the same at once and in slices', async () => {
    expect(atOnce(busy(3))).toBe('done');
    expect(await inSlices(busy(3))).toBe('done');
  });

  it('in slices lets others have their turns', async () => {
    expect(await turnsDuring(inSlices(busy(100)))).toBeGreaterThanOrEqual(8);
  });

  it('of two at once never shares a turn', async () => {
    const slices: string[] = [];
    const watched = function* (name: string): Interruptible<void> {
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
        const pauses = new Pauses();
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

  it('that fails says so', async () => {
    const failing = function* (): Interruptible<void> {
      yield;
      throw new Error('no');
    };
    await expect(inSlices(failing())).rejects.toThrow('no');
    expect(() => atOnce(failing())).toThrow('no');
  });

  it('picks and makes what filter and map would', () => {
    const numbers = Array.from({ length: 100 }, (_, at) => at);
    expect(atOnce(filtered(numbers, (number) => number % 3 === 0))).toEqual(
      numbers.filter((number) => number % 3 === 0),
    );
    expect(atOnce(mapped(numbers, (number) => number * 2))).toEqual(numbers.map((number) => number * 2));
  });

  it.each([0, 1, 2, 1_023, 1_024, 1_025, 2_048, 5_000, 7_171])(
    'puts %i items in order, equal ones as they came',
    (count) => {
      const dice = new SeededDice(count);
      const items = Array.from({ length: count }, (_, at) => ({ key: dice.below(count), at }));
      const compare = (a: { key: number }, b: { key: number }) => a.key - b.key;
      expect(atOnce(sorted(items, compare))).toEqual([...items].sort(compare));
    },
  );
});
