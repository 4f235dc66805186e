import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Pace } from '../../../src/lib/pace.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { testSeed } from '../../helpers/test-seed.ts';

const seed = testSeed();
const LEAST = { bytesPerSecond: 512, patience: 120_000 };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

class Client {
  bytes = 0;
  cutAt: number | undefined;
  private readonly pace = new Pace(
    LEAST,
    () => {
      this.cutAt ??= performance.now();
    },
    () => performance.now(),
  );

  /** The server waits for a step that takes so long, after which so many bytes have moved. */
  async step(milliseconds: number, bytes: number): Promise<void> {
    const step = new Promise<void>((resolve) => {
      setTimeout(() => {
        this.bytes += bytes;
        resolve();
      }, milliseconds);
    });
    const waited = this.pace.during(step, () => this.bytes);
    await vi.advanceTimersByTimeAsync(milliseconds);
    await waited;
  }
}

describe('the least pace of a client (issue 11, point 9)', () => {
  it('is not reached by silence, nor by single bytes, and both end at the same time', async () => {
    for (const [every, bytes] of [
      [1_000_000, 0],
      [60_000, 1],
      [10_000, 1],
      [1_000, 1],
    ] as const) {
      const client = new Client();
      const began = performance.now();
      while (client.cutAt === undefined && performance.now() - began < 1_000_000)
        await client.step(every, bytes);
      // Each byte gives back what it takes at the least pace: 2 ms.
      expect((client.cutAt ?? 0) - began, `${bytes} B each ${every} ms`).toBeGreaterThanOrEqual(
        LEAST.patience,
      );
      expect((client.cutAt ?? 0) - began, `${bytes} B each ${every} ms`).toBeLessThan(
        LEAST.patience + 2 * every + 1_000,
      );
    }
  });

  it('is reached by any client with that average, for any division of its bytes', async () => {
    const client = new Client();
    for (let step = 0; step < 500; step++) await client.step(60_000, 60 * LEAST.bytesPerSecond);
    expect(client.cutAt).toBeUndefined();
  });

  it('excludes the time that the server itself takes', async () => {
    const client = new Client();
    for (let step = 0; step < 100; step++) {
      await client.step(1_000, 0);
      await vi.advanceTimersByTimeAsync(600_000);
      await client.step(1_000, 2 * LEAST.bytesPerSecond);
    }
    expect(client.cutAt).toBeUndefined();
  });

  it('cannot be saved up: a fast client gets no extra patience later', async () => {
    const client = new Client();
    await client.step(1_000, 2 ** 30);
    const silent = performance.now();
    await client.step(1_000_000, 0);
    expect((client.cutAt ?? 0) - silent).toBeLessThan(LEAST.patience + 1_000);
  });

  it(`decides for any steps of a client (seed ${seed})`, async () => {
    const random = new SeededRandom(seed);
    for (let world = 0; world < 100; world++) {
      const client = new Client();
      let patience = LEAST.patience;
      while (client.cutAt === undefined) {
        const milliseconds = 1 + random.below(60_000);
        const bytes = random.below(3) === 0 ? 0 : random.below(700 * (milliseconds / 1_000));
        await client.step(milliseconds, bytes);
        const gained = (bytes / LEAST.bytesPerSecond) * 1_000;
        if (patience - milliseconds < -20) expect(client.cutAt, `seed ${seed}, world ${world}`).toBeDefined();
        if (patience - milliseconds > 20)
          expect(client.cutAt, `seed ${seed}, world ${world}`).toBeUndefined();
        patience = Math.min(LEAST.patience, patience - milliseconds + gained);
        if (performance.now() > 1e9) break;
      }
    }
  });
});
