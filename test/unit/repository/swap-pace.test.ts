import { describe, expect, it } from 'vitest';
import type { SwapResult } from '../../../src/repository/swap.ts';
import { SwapPace } from '../../../src/repository/swap-pace.ts';
import { InstantClock } from '../../helpers/instant-clock.ts';

const current = { version: 'v', digest: 'a'.repeat(64) };
const WON: SwapResult = { swap: 'won', digest: current.digest, current };

/** A pace on a store whose swaps take 20 ms, and which swaps a key every so many milliseconds. */
function rig(every: number) {
  const clock = new InstantClock();
  const pace = new SwapPace(clock);
  let free = 0;
  const store = { every, takes: 20 };
  const swap = async (result: SwapResult = WON) => {
    const sent = clock.monotonic();
    await pace.watch(async () => {
      clock.advance(Math.max(0, free - clock.monotonic()) + store.takes);
      free = clock.monotonic() + store.every;
      return result;
    });
    return clock.monotonic() - sent;
  };
  return { clock, pace, swap, become: (changed: Partial<typeof store>) => Object.assign(store, changed) };
}

describe('the pace of swaps', () => {
  it('is unlimited for a store without a limit, fast or slow', async () => {
    for (const takes of [1, 20, 400]) {
      const { pace, swap, become } = rig(0);
      become({ takes });
      for (let turn = 0; turn < 10; turn++) {
        await swap();
        expect(pace.delay).toBe(0);
      }
    }
  });

  it('waits for a store that has shown one swap per second', async () => {
    const { clock, pace, swap } = rig(1000);
    await swap();
    expect(pace.delay).toBe(0);
    expect(await swap()).toBe(1020);
    expect(pace.delay).toBe(1020);
    clock.advance(pace.delay);
    expect(await swap()).toBe(20);
    // It comes back a little earlier each time, until it is too early once more.
    const took: number[] = [];
    for (let turn = 0; turn < 20; turn++) {
      clock.advance(pace.delay);
      took.push(await swap());
    }
    expect(Math.max(...took)).toBeLessThan(250);
    expect(pace.delay).toBeGreaterThan(850);
  });

  it('lets a single change through at once, long after the last one', async () => {
    const { clock, pace, swap } = rig(1000);
    await swap();
    await swap();
    clock.advance(1_500);
    expect(pace.delay).toBe(0);
  });

  it('forgets a limit that has ended', async () => {
    const { clock, pace, swap, become } = rig(1000);
    await swap();
    await swap();
    become({ every: 0 });
    for (let turn = 0; turn < 40; turn++) {
      clock.advance(pace.delay);
      await swap();
    }
    expect(pace.delay).toBe(0);
  });

  it('does not see a limit in one slow answer without a swap shortly before', async () => {
    const { clock, pace, swap, become } = rig(0);
    await swap();
    clock.advance(60_000);
    become({ takes: 5_000 });
    await swap();
    expect(pace.delay).toBe(0);
  });

  it('adds no pause for a store that is always slow', async () => {
    const { clock, pace, swap, become } = rig(0);
    await swap();
    become({ takes: 800 });
    const waited: number[] = [];
    for (let turn = 0; turn < 17; turn++) {
      waited.push(pace.delay);
      clock.advance(pace.delay);
      await swap();
    }
    expect(waited).toEqual([0, 800, ...Array(15).fill(0)]);
  });

  it('never waits more than two seconds, and learns nothing from a swap with an unknown outcome', async () => {
    const { pace, swap } = rig(30_000);
    await swap();
    await swap({ swap: 'unknown', cause: new Error('lost') });
    expect(pace.delay).toBe(0);
    await swap();
    expect(pace.delay).toBe(0);
    await swap();
    expect(pace.delay).toBe(2_000);
  });
});
