import { setImmediate as tick } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { CairnError } from '../../../src/lib/errors.ts';
import { readAll } from '../../../src/lib/streams.ts';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import type { ObjectStore } from '../../../src/object-store/object-store.ts';
import { StoreRefusedError } from '../../../src/object-store/store-refused.ts';
import { withLimit } from '../../../src/object-store/with-limit.ts';
import { withMetrics } from '../../../src/object-store/with-metrics.ts';
import { withPrefix } from '../../../src/object-store/with-prefix.ts';
import { withRetry } from '../../../src/object-store/with-retry.ts';
import { FaultyStore } from '../../helpers/faulty-store.ts';

const create = { mode: 'create' } as const;

/** Sleeps take no time, but are counted. */
class SleepingClock implements Clock {
  slept = 0;
  now = systemClock.now;
  monotonic = () => this.slept;
  sleep = async (milliseconds: number) => {
    this.slept += milliseconds;
  };
}

async function listed(store: ObjectStore, prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

describe('a store with a prefix', () => {
  it('reads and writes only below its prefix', async () => {
    const whole = new MemoryObjectStore();
    const part = withPrefix(whole, 'team/a/');
    await part.put('k', Buffer.from('x'), create);
    await whole.put('team/b', Buffer.from('y'), create);
    expect(await listed(whole)).toEqual(['team/a/k', 'team/b']);
    expect(await listed(part)).toEqual(['k']);
    await expect(part.get('../b')).rejects.toMatchObject({ kind: 'invalid' });
  });

  it('refuses an invalid prefix of a key', () => {
    expect(() => withPrefix(new MemoryObjectStore(), '/absolute')).toThrow('cannot be a prefix');
    expect(() => withPrefix(new MemoryObjectStore(), 'a/../b')).toThrow('cannot be a prefix');
  });
});

describe('a store with metrics', () => {
  it('reports every request with its outcome, and bytes when they have been transferred', async () => {
    const seen: string[] = [];
    const faulty = new FaultyStore(new MemoryObjectStore());
    const store = withMetrics(faulty, 'bulk', {
      answered: (traffic, operation, outcome, seconds) => {
        expect(seconds).toBeGreaterThanOrEqual(0);
        seen.push(`${traffic} ${operation} ${outcome}`);
      },
      moved: (traffic, operation, bytes) => seen.push(`${traffic} ${operation} ${bytes} bytes`),
    });
    await store.put('k', Buffer.alloc(10), create);
    await store.put('k', Buffer.alloc(10), create);
    const result = await store.get('k', { range: { offset: 4, length: 100 } });
    if (result.found) await readAll(result.body, 100);
    await tick();
    await store.get('none');
    await store.head('k');
    await listed(store);
    faulty.next(() => true, { does: 'unavailable' });
    await expect(store.delete('k')).rejects.toThrow();
    await store.delete('k');
    expect(seen).toEqual([
      'bulk put written',
      'bulk put 10 bytes',
      'bulk put exists',
      'bulk get found',
      'bulk get 6 bytes',
      'bulk get missing',
      'bulk head found',
      'bulk list listed',
      'bulk delete failed',
      'bulk delete deleted',
    ]);
  });
});

describe('a store with a limit', () => {
  it('limits concurrent requests, and counts a body until it has ended', async () => {
    const store = withLimit(new MemoryObjectStore(), { concurrent: 1, queue: 10 });
    await store.put('k', Buffer.from('body'), create);
    const first = await store.get('k');
    let answered = false;
    const second = store.head('k').then((result) => {
      answered = true;
      return result;
    });
    for (let n = 0; n < 5; n++) await tick();
    expect(answered).toBe(false);
    if (first.found) await readAll(first.body, 100);
    expect((await second).found).toBe(true);
    const third = await store.get('k');
    if (third.found) third.body.destroy();
    expect((await store.head('k')).found).toBe(true);
  });

  it('refuses requests beyond its queue at once, and removes cancelled ones', async () => {
    const store = withLimit(new MemoryObjectStore(), { concurrent: 1, queue: 1 });
    await store.put('k', Buffer.from('body'), create);
    const held = await store.get('k');
    const abort = new AbortController();
    const waiting = store.head('k', { signal: abort.signal });
    await expect(store.head('k')).rejects.toMatchObject({ kind: 'busy' });
    abort.abort(new Error('gave up'));
    await expect(waiting).rejects.toThrow('gave up');
    if (held.found) held.body.destroy();
    expect((await store.head('k')).found).toBe(true);
  });

  it('allows other requests during a listing', async () => {
    const store = withLimit(new MemoryObjectStore(), { concurrent: 1, queue: 1 });
    for (const key of ['a', 'b', 'c']) await store.put(key, Buffer.from(key), create);
    for await (const { key } of store.list('')) await store.delete(key);
    expect(await listed(store)).toEqual([]);
  });
});

describe('a store with retries', () => {
  it('repeats reads and deletes until they are answered', async () => {
    const faulty = new FaultyStore(new MemoryObjectStore());
    await faulty.put('k', Buffer.from('x'), create);
    const store = withRetry(faulty, { patience: 10_000, clock: new SleepingClock() });
    const requests = [
      () => store.get('k'),
      () => store.head('k'),
      () => listed(store),
      () => store.delete('k'),
    ];
    for (const request of requests) {
      faulty.reset();
      faulty.next(() => true, { does: 'unavailable' }, 3);
      const answer = await request();
      expect(faulty.count()).toBe(4);
      if (Array.isArray(answer)) expect(answer).toEqual(['k']);
    }
  });

  it('never repeats a write', async () => {
    const faulty = new FaultyStore(new MemoryObjectStore());
    const store = withRetry(faulty, { patience: 10_000, clock: new SleepingClock() });
    faulty.next(() => true, { does: 'lose-reply-not-applied' });
    expect(await store.put('k', Buffer.from('x'), create)).toMatchObject({ outcome: 'unknown' });
    faulty.next(() => true, { does: 'unavailable' });
    await expect(store.put('k', Buffer.from('x'), create)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(faulty.count('put')).toBe(2);
  });

  it('gives up after its patience, and at once if the store has refused', async () => {
    const faulty = new FaultyStore(new MemoryObjectStore());
    const clock = new SleepingClock();
    const store = withRetry(faulty, { patience: 3_000, clock });
    faulty.rules.push(() => ({ does: 'unavailable' }));
    await expect(store.head('k')).rejects.toMatchObject({ kind: 'unavailable' });
    expect(clock.slept).toBeLessThanOrEqual(3_000);
    expect(faulty.count()).toBeGreaterThan(3);
    faulty.reset();
    const refusal = new StoreRefusedError('setting', 'wrong bucket');
    faulty.next(() => true, { does: 'run', before: () => Promise.reject(refusal) }, 10);
    await expect(store.head('k')).rejects.toBe(refusal);
    expect(faulty.count()).toBe(1);
  });

  it('continues a listing after the last key that it returned', async () => {
    const memory = new MemoryObjectStore();
    for (const key of ['a', 'b', 'c', 'd']) await memory.put(key, Buffer.from(key), create);
    let breaks = 0;
    const breaking: ObjectStore = Object.assign(Object.create(memory), {
      async *list(prefix: string, options: object) {
        let given = 0;
        for await (const object of memory.list(prefix, options)) {
          if (given++ === 2 && breaks++ < 2) throw new CairnError('unavailable', 'broke off');
          yield object;
        }
      },
    });
    const store = withRetry(breaking, { patience: 10_000, clock: new SleepingClock() });
    expect(await listed(store)).toEqual(['a', 'b', 'c', 'd']);
    expect(breaks).toBeGreaterThan(0);
  });
});
