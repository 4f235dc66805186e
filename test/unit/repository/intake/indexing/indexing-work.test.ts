import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { IndexingWork } from '../../../../../src/repository/intake/indexing/indexing-work.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const after = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

function working() {
  const told: string[] = [];
  let seconds = 0;
  const work = new IndexingWork(
    {
      bounds: { patience: { least: 10_000, perMiB: 1_000 }, lookAfter: { least: 3_000, perMiB: 0 } },
      clock: { monotonic: () => performance.now() },
      onWorked: (step) => {
        seconds += step;
      },
    },
    () => told.push('stop'),
    () => told.push('look'),
  );
  /** A step that takes so long. */
  const step = async (milliseconds: number, bytes = 0) => {
    const taken = work.during(bytes, after(milliseconds));
    await vi.advanceTimersByTimeAsync(milliseconds);
    await taken;
  };
  return { work, told, step, seconds: () => seconds };
}

it('thousands of short steps set one or two timers only (issue 13)', async () => {
  const { work, step, seconds } = working();
  // No spy: it would bring the timers of this test back whenever spies are restored.
  const setTimer = globalThis.setTimeout;
  let timers = 0;
  globalThis.setTimeout = ((...args: Parameters<typeof setTimer>) => {
    timers++;
    return setTimer(...args);
  }) as typeof setTimer;
  try {
    for (let count = 0; count < 2_000; count++) await step(1);
  } finally {
    globalThis.setTimeout = setTimer;
  }
  // Each step of this test has one of its own.
  expect(timers - 2_000).toBeLessThanOrEqual(2);
  expect(seconds()).toBeCloseTo(2);
  work.end();
  expect(vi.getTimerCount()).toBe(0);
});

it('only git’s working time counts for the look into a pack and for its end', async () => {
  const { work, told, step } = working();
  for (let count = 0; count < 2; count++) {
    await step(1_000);
    // The client sends nothing for an hour.
    await vi.advanceTimersByTimeAsync(3_600_000);
  }
  expect(told).toEqual([]);
  await step(2_000);
  expect(new Set(told)).toEqual(new Set(['look']));
  await step(5_500);
  expect(told).not.toContain('stop');
  await step(1_000);
  expect(told.filter((what) => what === 'stop')).toHaveLength(1);
  expect(work.late).toBe(true);
  work.end();
});

it('a longer pack gets more time', async () => {
  const { work, told, step } = working();
  await step(12_000, 5 * 2 ** 20);
  expect([work.late, told.includes('stop')]).toEqual([false, false]);
  await step(4_000, 5 * 2 ** 20);
  expect(work.late).toBe(true);
  work.end();
});
