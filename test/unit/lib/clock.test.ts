import { expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';

it('sleep lasts at least as long as requested', async () => {
  const began = systemClock.monotonic();
  await systemClock.sleep(20);
  // Timers count whole milliseconds, and may fire within the last one.
  expect(systemClock.monotonic() - began).toBeGreaterThan(18);
});

it('sleep ends when its signal is aborted, and leaves no listener', async () => {
  const gone = new AbortController();
  const sleeping = systemClock.sleep(60_000, gone.signal);
  gone.abort(new Error('wake up'));
  await expect(sleeping).rejects.toThrow('wake up');
  await expect(systemClock.sleep(60_000, gone.signal)).rejects.toThrow('wake up');
});

it('the clock has the time of day, and a time that never goes back', () => {
  const before = Date.now();
  const now = systemClock.now();
  expect(now).toBeGreaterThanOrEqual(before);
  expect(now).toBeLessThanOrEqual(Date.now());
  expect(systemClock.monotonic()).toBeGreaterThanOrEqual(0);
});
