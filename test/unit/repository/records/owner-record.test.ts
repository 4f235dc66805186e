import { describe, expect, it } from 'vitest';
import { MemoryObjectStore } from '../../../../src/object-store/memory.ts';
import { OwnerRecords } from '../../../../src/repository/records/owner-record.ts';
import { FaultyStore } from '../../../helpers/faulty-store.ts';
import { InstantClock } from '../../../helpers/instant-clock.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

const owner = 'a'.repeat(64);

function records() {
  const store = new FaultyStore(new MemoryObjectStore());
  const clock = new InstantClock();
  return { store, clock, owners: new OwnerRecords({ control: store, clock, random: new SeededRandom(1) }) };
}

describe('the record of an owner', () => {
  it('counts a name once, however often it is reserved', async () => {
    const { owners, store } = records();
    for (let at = 0; at < 3; at++) expect(await owners.reserve(owner, 'one', 1)).toBe('reserved');
    expect(await owners.reserve(owner, 'two', 1)).toBe('full');
    expect([...(await owners.read(owner)).keys()]).toEqual(['one']);
    expect(store.count('put')).toBe(1);
  });

  it('does not count withdrawn repositories', async () => {
    const { owners } = records();
    await owners.reserve(owner, 'one', 1);
    await owners.settle(owner, 'one', 'withdrawn');
    expect(await owners.reserve(owner, 'two', 1)).toBe('reserved');
    expect(await owners.reserve(owner, 'one', 1)).toBe('full');
  });

  it('never exceeds the limit under concurrent requests', async () => {
    const { owners, store } = records();
    store.latency = 1;
    const names = Array.from({ length: 8 }, (_, at) => `r${at}`);
    const answers = await Promise.all(names.map((name) => owners.reserve(owner, name, 5)));
    expect(answers.filter((answer) => answer === 'reserved')).toHaveLength(5);
    expect((await owners.read(owner)).size).toBe(5);
  });

  it('is correct after a lost answer of the store', async () => {
    const { owners, store } = records();
    store.next(({ operation }) => operation === 'put', { does: 'lose-reply-applied' });
    expect(await owners.reserve(owner, 'one', 1)).toBe('reserved');
    expect((await owners.read(owner)).size).toBe(1);
  });

  it.each([
    ['conflict', 'busy', /keeps being changed by others/],
    ['throttle', 'unavailable', /^the object store did not accept a record: /],
  ] as const)('says who is at fault when it cannot be written (%s)', async (does, kind, message) => {
    const { owners, store } = records();
    store.rules.push(({ operation }) => (operation === 'put' ? { does } : undefined));
    await expect(owners.reserve(owner, 'one', 1)).rejects.toMatchObject({
      kind,
      message: expect.stringMatching(message),
    });
  });

  it('renews a reservation that is requested again', async () => {
    const { owners, clock } = records();
    await owners.reserve(owner, 'one', 1);
    const first = (await owners.read(owner)).get('one');
    clock.advance(3_600_000);
    await owners.reserve(owner, 'one', 1);
    expect((await owners.read(owner)).get('one')?.at).toBe((first?.at ?? 0) + 3_600);
    // Who decided on the older one decides nothing any more.
    await owners.settle(owner, 'one', 'gone', first);
    expect((await owners.read(owner)).get('one')?.state).toBe('reserved');
  });

  it('accepts names that JavaScript uses itself', async () => {
    const { owners } = records();
    for (const name of ['__proto__', 'constructor', 'toString']) await owners.reserve(owner, name, 9);
    expect([...(await owners.read(owner)).keys()]).toEqual(['__proto__', 'constructor', 'toString']);
  });

  it('is listed among those of all owners', async () => {
    const { owners } = records();
    const keys = ['1', '2', '3'].map((digit) => digit.repeat(64));
    for (const key of keys) await owners.reserve(key, 'one', 1);
    const found: string[] = [];
    for await (const key of owners.owners('1'.repeat(64))) found.push(key);
    expect(found).toEqual(keys.slice(1));
  });
});
