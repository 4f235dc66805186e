import { describe, expect, it } from 'vitest';
import { readAll } from '../../../src/lib/streams.ts';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import { FaultyStore } from '../../helpers/faulty-store.ts';
import { isPut } from '../../helpers/store-calls.ts';

const body = Buffer.from('0123456789');
const create = { mode: 'create' } as const;

describe('the store with faults', () => {
  it('applies a write whose answer it loses, or does not', async () => {
    const store = new FaultyStore(new MemoryObjectStore());
    store.next(isPut, { does: 'lose-reply-applied' });
    store.next(isPut, { does: 'lose-reply-not-applied' });
    expect(await store.put('applied', body, create)).toMatchObject({ outcome: 'unknown' });
    expect(await store.put('dropped', body, create)).toMatchObject({ outcome: 'unknown' });
    expect(await store.head('applied')).toMatchObject({ found: true });
    expect(await store.head('dropped')).toEqual({ found: false });
  });

  it('delays a write until it is told, or until a number of later requests', async () => {
    const store = new FaultyStore(new MemoryObjectStore());
    store.next(isPut, { does: 'apply-late' });
    store.next(isPut, { does: 'apply-late', after: 1 });
    await store.put('told', body, create);
    await store.put('counted', body, create);
    expect(await store.head('counted')).toEqual({ found: false });
    expect(await store.head('counted')).toMatchObject({ found: true });
    expect(await store.head('told')).toEqual({ found: false });
    expect(await store.applyLate()).toMatchObject([{ outcome: 'written' }]);
    expect(await store.head('told')).toMatchObject({ found: true });
  });

  it('answers a late 412 after it has applied the write', async () => {
    const store = new FaultyStore(new MemoryObjectStore());
    store.next(isPut, { does: 'refuse-after-applying' });
    expect(await store.put('k', body, create)).toEqual({ outcome: 'exists' });
    expect(await store.head('k')).toMatchObject({ found: true });
  });

  it('breaks off a body with an error after some bytes', async () => {
    const store = new FaultyStore(new MemoryObjectStore());
    await store.put('k', body, create);
    store.next(() => true, { does: 'break-body', after: 4 });
    const result = await store.get('k');
    if (!result.found) throw new Error('not found');
    let seen = '';
    const reading = (async () => {
      for await (const chunk of result.body) seen += String(chunk);
    })();
    await expect(reading).rejects.toMatchObject({ kind: 'unavailable' });
    expect(seen).toBe('0123');
    const again = await store.get('k');
    if (again.found) expect(await readAll(again.body, 100)).toEqual(body);
  });

  it('counts requests and their rounds', async () => {
    const store = new FaultyStore(new MemoryObjectStore(), { latency: 5 });
    await Promise.all([store.put('a', body, create), store.put('b', body, create), store.head('c')]);
    await store.get('a').then((result) => result.found && result.body.destroy());
    expect(store.count()).toBe(4);
    expect(store.writes()).toBe(2);
    expect(store.rounds()).toBe(2);
    expect(store.log.map((request) => request.outcome)).toEqual(['written', 'written', 'missing', 'found']);
  });
});
