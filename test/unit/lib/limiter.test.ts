import { describe, expect, it } from 'vitest';
import { Limiter } from '../../../src/lib/limiter.ts';

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol();
  await new Promise(setImmediate);
  return (await Promise.race([promise.catch(() => undefined), Promise.resolve(pending)])) !== pending;
}

describe('a limiter', () => {
  it('gives slots until all are taken, then lets callers wait in order', async () => {
    const limiter = new Limiter('things', 2, 10);
    const first = await limiter.acquire();
    const second = await limiter.acquire();
    const third = limiter.acquire();
    const fourth = limiter.acquire();
    expect([limiter.active, limiter.queued]).toEqual([2, 2]);
    expect(await isSettled(third)).toBe(false);
    second();
    const releaseThird = await third;
    expect(await isSettled(fourth)).toBe(false);
    first();
    releaseThird();
    (await fourth)();
    expect([limiter.active, limiter.queued]).toEqual([0, 0]);
  });

  it('refuses at once if the queue is full, and accepts again when it is not', async () => {
    const limiter = new Limiter('things', 1, 1);
    const release = await limiter.acquire();
    const waiting = limiter.acquire();
    await expect(limiter.acquire()).rejects.toMatchObject({
      kind: 'busy',
      message: expect.stringContaining('things'),
    });
    release();
    const again = limiter.acquire();
    (await waiting)();
    (await again)();
    expect(limiter.active).toBe(0);
  });

  it('may have no queue at all', async () => {
    const limiter = new Limiter('things', 1, 0);
    const release = await limiter.acquire();
    await expect(limiter.acquire()).rejects.toMatchObject({ kind: 'busy' });
    release();
    (await limiter.acquire())();
  });

  it('ignores a second release of the same slot', async () => {
    const limiter = new Limiter('things', 1, 1);
    const release = await limiter.acquire();
    release();
    const second = await limiter.acquire();
    release();
    expect(limiter.active).toBe(1);
    second();
    expect(limiter.active).toBe(0);
  });

  it('lets aborted callers leave the queue, and loses no slot', async () => {
    const limiter = new Limiter('things', 1, 10);
    const release = await limiter.acquire();
    const gone = new AbortController();
    const leaving = limiter.acquire(gone.signal);
    const staying = limiter.acquire();
    gone.abort(new Error('went away'));
    await expect(leaving).rejects.toThrow('went away');
    expect(limiter.queued).toBe(1);
    release();
    (await staying)();
    expect(limiter.active).toBe(0);
  });

  it('keeps a slot that was given before its signal was aborted', async () => {
    const limiter = new Limiter('things', 1, 10);
    const first = await limiter.acquire();
    const late = new AbortController();
    const second = limiter.acquire(late.signal);
    first();
    late.abort(new Error('too late'));
    const release = await second;
    expect(limiter.active).toBe(1);
    release();
    expect(limiter.active).toBe(0);
  });

  it('gives no slot for an aborted signal', async () => {
    const limiter = new Limiter('things', 1, 1);
    await expect(limiter.acquire(AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    expect(limiter.active).toBe(0);
  });
});
