import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { FairSlices } from '../../../src/lib/fair-slices.ts';

/** Slices of some looks at the clock, which moves on at each. */
function slicesOf(ms: number): FairSlices {
  let time = 0;
  return new FairSlices({ now: () => time++, sliceMs: ms });
}

/** A work of so many steps that writes down its steps. */
function work(name: string, steps: number, done: string[]) {
  let left = steps;
  return () => {
    done.push(name);
    return --left === 0;
  };
}

it('short work is finished before the call returns', () => {
  const slices = slicesOf(100);
  const done: string[] = [];
  slices.add('one', work('a', 3, done));
  slices.add('two', work('b', 2, done));
  expect(done.join('')).toBe('aaabb');
  expect(slices.size).toBe(0);
});

it('one slice runs per turn of the event loop, however many callers wait', async () => {
  const slices = slicesOf(10);
  const done: string[] = [];
  for (let party = 0; party < 50; party++) slices.add(`party ${party}`, work('x', 20, done));
  expect(done.length).toBeLessThanOrEqual(10);
  for (let turn = 1; turn < 20; turn++) {
    const before = done.length;
    await nextTurn();
    expect(done.length - before).toBeLessThanOrEqual(20);
  }
  await expect.poll(() => slices.size).toBe(0);
  expect(done.length).toBe(1_000);
});

it('each party gets its turn, however much work others have', async () => {
  const slices = slicesOf(10);
  const done: string[] = [];
  for (let number = 0; number < 64; number++) slices.add('greedy', work('g', 1_000, done));
  slices.add('modest', work('m', 4, done));
  await expect.poll(() => done.filter((name) => name === 'm').length).toBe(4);
  // Each slice has fewer than ten steps, and the modest party waits for one or two of them.
  expect(done.lastIndexOf('m')).toBeLessThan(40);
  expect(slices.size).toBe(64);
});

it('long work pauses between its slices', async () => {
  const timers = vi.spyOn(globalThis, 'setTimeout');
  const slices = slicesOf(17);
  let left = 200;
  slices.add('one', () => --left === 0);
  await expect.poll(() => slices.size).toBe(0);
  const rests = timers.mock.calls.filter(([, ms]) => ms === 17).length;
  timers.mockRestore();
  expect(slices.slices).toBeGreaterThan(10);
  expect(rests).toBe(slices.slices - 2);
});

it('long work gets one slice in a turn of the event loop, even if a pause is over at once', async () => {
  let pauses = 0;
  const { setTimeout: real } = globalThis;
  const timers = vi.spyOn(globalThis, 'setTimeout').mockImplementation(((
    callback: () => void,
    ms: number,
  ) => {
    if (ms !== 13) return real(callback, ms);
    pauses++;
    queueMicrotask(callback);
    return undefined;
  }) as typeof setTimeout);
  try {
    const slices = slicesOf(13);
    let left = 200;
    slices.add('one', () => --left === 0);
    for (let turn = 1; slices.size > 0; turn++) {
      expect(slices.slices).toBeLessThanOrEqual(turn);
      await nextTurn();
    }
    expect(pauses).toBe(slices.slices - 2);
  } finally {
    timers.mockRestore();
  }
});

it('cancelled work stops, also when it cancels itself', async () => {
  const slices = slicesOf(10);
  const done: string[] = [];
  const giveUp = slices.add('one', work('a', 1_000, done));
  giveUp();
  giveUp();
  expect(slices.size).toBe(0);
  const before = done.length;
  let own: () => void = () => undefined;
  let steps = 0;
  own = slices.add('two', () => {
    steps++;
    if (steps > 20) own();
    return false;
  });
  await expect.poll(() => slices.size).toBe(0);
  expect(steps).toBe(21);
  expect(done.length).toBe(before);
});
