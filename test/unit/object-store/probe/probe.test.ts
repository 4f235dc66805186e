import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../../src/lib/clock.ts';
import { MemoryObjectStore } from '../../../../src/object-store/memory.ts';
import type {
  GetOptions,
  GetResult,
  ObjectBody,
  ObjectStore,
  PutMode,
  PutOutcome,
} from '../../../../src/object-store/object-store.ts';
import { type ProbeReport, probeStore } from '../../../../src/object-store/probe/probe.ts';
import { FaultyStore } from '../../../helpers/faulty-store.ts';

/** Pauses take no time, but are counted. */
class VirtualClock implements Clock {
  passed = 0;
  now = () => this.passed;
  monotonic = () => this.passed;
  sleep = async (milliseconds: number) => {
    this.passed += milliseconds;
    await systemClock.sleep(0);
  };
}

/** A memory store with another `put` or `get`. */
class OddStore extends MemoryObjectStore {
  oddPut: ((key: string, body: ObjectBody, mode: PutMode) => Promise<PutOutcome>) | undefined;
  oddGet: ((key: string, options: GetOptions | undefined) => Promise<GetResult | undefined>) | undefined;

  override async put(
    key: string,
    body: ObjectBody,
    mode: PutMode,
    options?: { readonly signal?: AbortSignal },
  ): Promise<PutOutcome> {
    options?.signal?.throwIfAborted();
    return this.oddPut === undefined ? super.put(key, body, mode, options) : this.oddPut(key, body, mode);
  }

  override async get(key: string, options?: GetOptions): Promise<GetResult> {
    return (await this.oddGet?.(key, options)) ?? super.get(key, options);
  }

  plainPut(key: string, body: ObjectBody, mode: PutMode): Promise<PutOutcome> {
    return super.put(key, body, mode);
  }
}

function probe(store: ObjectStore, clock: Clock = new VirtualClock()): Promise<ProbeReport> {
  return probeStore([store, store], 'memory', { clock });
}

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys;
}

const isRace = (key: string) => key.includes('/race/') && !key.endsWith('/start');

describe('the probe', () => {
  it('accepts a store that keeps its promises, and leaves no object behind', async () => {
    const store = new MemoryObjectStore();
    await store.put('v1/somebody', Buffer.from('x'), { mode: 'create' });
    const report = await probe(store);
    expect(report.failure).toBeUndefined();
    expect(report.ok).toBe(true);
    expect(report.unanswered).toBe(0);
    expect(report.phases.length).toBeGreaterThan(15);
    expect(report.phases.find(({ name }) => name.includes('replaces at once'))?.detail).toBe(
      '3 rounds of 16',
    );
    expect(await keysOf(store)).toEqual(['v1/somebody']);
  });

  it('takes a few seconds on a store with a latency of 100 ms', async () => {
    const store = new FaultyStore(new MemoryObjectStore(), { latency: 100 });
    const report = await probe(store, systemClock);
    expect(report.ok, JSON.stringify(report.failure)).toBe(true);
    // Of 100 ms each, and whatever else the machine has to do meanwhile.
    expect(store.rounds()).toBeLessThan(60);
    expect(store.count()).toBeLessThan(500);
  });

  it('refuses a store that ignores conditions', async () => {
    const store = new OddStore();
    store.oddPut = (key, body) => store.plainPut(key, body, { mode: 'overwrite' });
    const report = await probe(store);
    expect(report).toMatchObject({ ok: false, failure: { round: null } });
    expect(report.failure?.reason).toContain('was accepted where only');
    expect(await keysOf(store)).toEqual([]);
  });

  it('refuses a store that lets two racers win', async () => {
    const store = new OddStore();
    // The check and the write are two steps, and others come in between.
    store.oddPut = async (key, body, mode) => {
      const head = await store.head(key);
      if (mode.mode === 'create' && head.found) return { outcome: 'exists' };
      if (mode.mode === 'replace' && !head.found) return { outcome: 'missing' };
      if (mode.mode === 'replace' && head.found && head.version !== mode.version)
        return { outcome: 'changed' };
      await systemClock.sleep(2);
      return store.plainPut(key, body, { mode: 'overwrite' });
    };
    const report = await probe(store);
    expect(report.ok).toBe(false);
    expect(report.failure).toMatchObject({ round: 1, key: expect.stringContaining('/race/') });
    expect(report.failure?.reason).toMatch(/\d+ of 16 racers were told that they won/);
  });

  it('refuses a store that sometimes lets two racers win', async () => {
    const store = new OddStore();
    let races = 0;
    store.oddPut = async (key, body, mode) => {
      if (mode.mode === 'replace' && isRace(key) && ++races === 40) {
        return store.plainPut(key, body, { mode: 'overwrite' });
      }
      return store.plainPut(key, body, mode);
    };
    expect(await probe(store)).toMatchObject({ ok: false, failure: { round: 3 } });
  });

  it('refuses a store that answers "not modified" after a write', async () => {
    const store = new OddStore();
    const asked = new Set<string>();
    store.oddGet = async (key, options) => {
      if (options?.ifNoneMatch === undefined || !(await store.head(key)).found) return undefined;
      if (asked.has(key + options.ifNoneMatch)) return { found: false, reason: 'not-modified' };
      asked.add(key + options.ifNoneMatch);
      return undefined;
    };
    const report = await probe(store);
    expect(report).toMatchObject({ ok: false, failure: { reason: expect.stringContaining('not-modified') } });
  });

  it('refuses a store whose replace creates what is not there', async () => {
    const store = new OddStore();
    store.oddPut = async (key, body, mode) => {
      const { found } = await store.head(key);
      return store.plainPut(key, body, mode.mode === 'replace' && !found ? { mode: 'create' } : mode);
    };
    const report = await probe(store);
    expect(report).toMatchObject({ ok: false, failure: { key: expect.stringMatching(/absent$/) } });
  });

  it('refuses a store that answers a winner with a loss', async () => {
    const store = new FaultyStore(new MemoryObjectStore());
    store.rules.push((call) =>
      isRace(call.key) && call.mode === 'replace' ? { does: 'refuse-after-applying' } : undefined,
    );
    const report = await probe(store);
    expect(report).toMatchObject({ ok: false, failure: { round: 1 } });
    expect(report.failure?.reason).toContain('told that it lost');
  });

  it('refuses a store that answers fewer than two racers', async () => {
    const store = new FaultyStore(new MemoryObjectStore());
    store.rules.push((call) =>
      isRace(call.key) && call.mode === 'replace' ? { does: 'lose-reply-applied' } : undefined,
    );
    const report = await probe(store);
    expect(report).toMatchObject({ ok: false, failure: { round: 1 } });
    expect(report.failure?.reason).toContain('0 of 16 racers were answered');
    expect(report.unanswered).toBe(48);
  });

  it('accepts a store that loses some answers, and counts them', async () => {
    const store = new FaultyStore(new MemoryObjectStore());
    let calls = 0;
    store.rules.push((call) => {
      if (call.operation !== 'put' || !isRace(call.key)) return undefined;
      const does = (['lose-reply-applied', 'lose-reply-not-applied'] as const)[calls++ % 7];
      return does === undefined ? undefined : { does };
    });
    const report = await probe(store);
    expect(report.ok, JSON.stringify(report.failure)).toBe(true);
    expect(report.unanswered).toBeGreaterThan(10);
  });

  it('accepts a store that takes one write of a key per second', async () => {
    const clock = new VirtualClock();
    const store = new OddStore();
    const last = new Map<string, number>();
    store.oddPut = async (key, body, mode) => {
      const since = clock.passed - (last.get(key) ?? Number.NEGATIVE_INFINITY);
      if (since < 1000) return { outcome: 'unknown', cause: new Error('429 rate of writes to this key') };
      last.set(key, clock.passed);
      return store.plainPut(key, body, mode);
    };
    const report = await probe(store, clock);
    expect(report.ok, JSON.stringify(report.failure)).toBe(true);
    expect(report.unanswered).toBeGreaterThan(20);
  });

  it('reports the error if the store does not answer at all', async () => {
    const store = new FaultyStore(new MemoryObjectStore());
    store.rules.push(() => ({ does: 'unavailable' }));
    const report = await probe(store);
    expect(report.ok).toBe(false);
    expect(report.failure).toMatchObject({ phase: 'the store answers', round: null });
    expect(report.failure?.reason).toContain('does not answer');
    expect(report.phases.length).toBe(1);
  });
});
