import { beforeEach, describe, expect, it } from 'vitest';
import { readAll } from '../../../../src/lib/streams.ts';
import { MemoryObjectStore } from '../../../../src/object-store/memory.ts';
import { foldLeaseKey } from '../../../../src/repository/keys.ts';
import { LEASE_SECONDS, takeLease } from '../../../../src/repository/records/lease.ts';
import { FaultyStore } from '../../../helpers/faulty-store.ts';
import { ID } from '../../../helpers/repository-rig.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

/** A clock whose sleepers wait until they are woken. */
class StandingClock {
  seconds = 1_800_000_000;
  private sleepers: (() => void)[] = [];

  now(): number {
    return this.seconds * 1000;
  }

  monotonic(): number {
    return this.now();
  }

  sleep(_milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal === undefined) resolve();
      this.sleepers.push(resolve);
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }

  wake(): void {
    for (const wake of this.sleepers.splice(0)) wake();
  }
}

let store: FaultyStore;
let clock: StandingClock;
let troubles: unknown[];

beforeEach(() => {
  store = new FaultyStore(new MemoryObjectStore());
  clock = new StandingClock();
  troubles = [];
});

function take(holder: string) {
  const context = { control: store, clock, random: new SeededRandom(1) };
  return takeLease(context, { key: foldLeaseKey(ID), holder, onTrouble: (error) => troubles.push(error) });
}

async function record(): Promise<unknown> {
  const found = await store.get(foldLeaseKey(ID));
  return found.found ? JSON.parse((await readAll(found.body, 1_000)).toString()) : undefined;
}

describe('a lease', () => {
  it('has one holder, and another one after it is released', async () => {
    const lease = await take('one');
    expect(await record()).toEqual({
      version: 1,
      revision: 0,
      holder: 'one',
      until: clock.seconds + LEASE_SECONDS,
    });
    expect(await take('two')).toBeUndefined();
    await lease?.release();
    const next = await take('two');
    expect(next).toBeDefined();
    expect(await take('one')).toBeUndefined();
    await next?.release();
  });

  it('expires if it is not renewed', async () => {
    await take('gone');
    clock.seconds += LEASE_SECONDS - 1;
    expect(await take('two')).toBeUndefined();
    clock.seconds += 1;
    expect(await take('two')).toBeDefined();
  });

  it('is renewed until it is released', async () => {
    const lease = await take('one');
    for (let round = 0; round < 5; round++) {
      clock.seconds += LEASE_SECONDS / 2;
      clock.wake();
      await expect.poll(record).toMatchObject({ until: clock.seconds + LEASE_SECONDS });
    }
    expect(await take('two')).toBeUndefined();
    await lease?.release();
    expect(await record()).toMatchObject({ holder: 'one', until: clock.seconds });
  });

  it('is not taken back from a new holder', async () => {
    const slow = await take('slow');
    clock.seconds += LEASE_SECONDS;
    await take('two');
    await slow?.release();
    expect(await record()).toMatchObject({ holder: 'two', until: clock.seconds + LEASE_SECONDS });
  });

  it('reports to its former holder that another has taken it', async () => {
    const slow = await take('slow');
    expect(slow?.lost.aborted).toBe(false);
    clock.seconds += LEASE_SECONDS;
    await take('two');
    clock.wake();
    await expect.poll(() => slow?.lost.aborted).toBe(true);
    await slow?.release();
    expect(await record()).toMatchObject({ holder: 'two' });
  });

  it('of a clock that is far ahead blocks nobody', async () => {
    clock.seconds += 3_600;
    await take('ahead');
    clock.seconds -= 3_600;
    expect(await take('two')).toBeDefined();
  });

  it('that cannot be released reports it, and expires', async () => {
    const lease = await take('one');
    store.next(({ operation }) => operation === 'get', { does: 'unavailable' });
    await lease?.release();
    expect(troubles).toHaveLength(1);
    clock.seconds += LEASE_SECONDS;
    expect(await take('two')).toBeDefined();
  });
});
