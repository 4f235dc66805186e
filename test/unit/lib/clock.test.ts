import { expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';

it('sleeps at least as long as it is told', async () => {
  const began = systemClock.monotonic();
  await systemClock.sleep(20);
  // Timers count whole milliseconds, and may fire within the last one.
  expect(systemClock.monotonic() - began).toBeGreaterThan(18);
});

it('wakes up when its signal is aborted, and leaves no listener behind', async () => {
  const gone = new AbortController();
  const sleeping = systemClock.sleep(60_000, gone.signal);
  gone.abort(new Error('wake up'));
  await expect(sleeping).rejects.toThrow('wake up');
  await expect(systemClock.sleep(60_000, gone.signal)).rejects.toThrow('wake up');
});

it('tells the time of the world, and one that never goes back', () => {
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1_000);
  expect(systemClock.monotonic()).toBeGreaterThanOrEqual(0);
});
