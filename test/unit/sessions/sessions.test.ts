import { expect, it } from 'vitest';
import { systemRandom } from '../../../src/lib/random.ts';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import type { ObjectStore } from '../../../src/object-store/object-store.ts';
import { MOST_ENDED } from '../../../src/repository/records/sign-out-record.ts';
import { SessionUpkeep } from '../../../src/sessions/session-upkeep.ts';
import { LONGEST_SESSION, type Session, Sessions } from '../../../src/sessions/sessions.ts';
import { SignIns } from '../../../src/sessions/sign-ins.ts';
import { FaultyStore } from '../../helpers/faulty-store.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const KEY = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);
const context = { serviceKey: 'c'.repeat(64), base: 'https://git.example.org', random: systemRandom };
const quiet = new AbortController().signal;

function rig(store: ObjectStore = new MemoryObjectStore(), clock = new ManualClock()) {
  const sessions = new Sessions({ ...context, control: store, clock, lifetime: LONGEST_SESSION });
  return { store, clock, sessions, begin: async (key = KEY) => (await sessions.begin(key)).session };
}

async function standing(sessions: Sessions, ...all: Session[]): Promise<boolean[]> {
  return Promise.all(all.map((session) => sessions.stands(session)));
}

async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

it('signing out everywhere ends sessions of any age, on servers with different clocks', async () => {
  const store = new MemoryObjectStore();
  const { sessions, clock, begin } = rig(store);
  const ahead = rig(store, new ManualClock(clock.now() + 9 * 60_000));
  const old = await begin();
  await clock.advance(LONGEST_SESSION - 60);
  await ahead.clock.advance(LONGEST_SESSION - 60);
  const [fresh, fromAhead, others] = [await begin(), await ahead.begin(), await begin(OTHER)];
  expect(await standing(sessions, old, fresh, fromAhead, others)).toEqual([true, true, true, true]);
  await sessions.endAll(KEY);
  expect(await standing(sessions, old, fresh, fromAhead, others)).toEqual([false, false, false, true]);
  // The next one begins in the same second, and stands.
  expect(await standing(sessions, await begin(), await ahead.begin())).toEqual([true, true]);
});

it('signing out ends one session, and very many sign-outs of a key end all of its sessions', async () => {
  const { sessions, begin } = rig();
  const [kept, ...ended] = await Promise.all(Array.from({ length: MOST_ENDED + 2 }, () => begin()));
  if (kept === undefined) throw new Error('no session');
  for (const session of ended.slice(0, MOST_ENDED)) {
    await sessions.end(session);
    await sessions.end(session);
    expect(await sessions.stands(session)).toBe(false);
  }
  expect(await sessions.stands(kept)).toBe(true);
  for (const session of ended.slice(MOST_ENDED)) await sessions.end(session);
  expect(await standing(sessions, kept, ...ended)).not.toContain(true);
});

it('a visitor is not signed in while the store cannot say whether the session has ended', async () => {
  const store = new FaultyStore(new MemoryObjectStore());
  const { sessions, begin } = rig(store);
  const session = await begin();
  store.next(() => true, { does: 'unavailable' });
  await expect(sessions.stands(session)).rejects.toMatchObject({ kind: 'unavailable' });
});

it('upkeep deletes used sign-ins and ended sessions when they cannot be used any more', async () => {
  const { store, sessions, clock, begin } = rig();
  const upkeep = new SessionUpkeep({ control: store, clock });
  const signIns = new SignIns({ ...context, control: store, clock });
  const challenge = signIns.readChallenge(signIns.challenge());
  if (challenge === undefined) throw new Error('no challenge');
  expect(await signIns.use(challenge)).toBe(true);
  const session = await begin();
  await sessions.endAll(KEY);
  await upkeep.run(quiet);
  expect(await signIns.use(challenge)).toBe(false);
  expect(await sessions.stands(session)).toBe(false);
  await clock.advance(2 * 60 * 60);
  await upkeep.run(quiet);
  expect(await keysOf(store, 'v1/sign-ins/')).toEqual([]);
  expect(await sessions.stands(session)).toBe(false);
  await clock.advance(LONGEST_SESSION - 3 * 60 * 60);
  await upkeep.run(quiet);
  expect(sessions.read((await sessions.begin(KEY)).text)).toBeDefined();
  expect(await sessions.stands(session)).toBe(false);
  await clock.advance(2 * LONGEST_SESSION);
  await upkeep.run(quiet);
  expect(await keysOf(store, 'v1/')).toEqual([]);
});

it('upkeep asks the store once an hour, and continues at once while much is left to delete', async () => {
  const store = new FaultyStore(new MemoryObjectStore());
  const clock = new ManualClock();
  const upkeep = new SessionUpkeep({ control: store, clock });
  const signIns = new SignIns({ ...context, control: store, clock });
  const expires = clock.seconds - 2 * 60 * 60;
  for (let each = 0; each < 2_001; each++) {
    await signIns.use({ name: each.toString(16).padStart(32, '0'), expires });
  }
  store.reset();
  await upkeep.run(quiet);
  expect(store.count('delete')).toBe(2_000);
  await upkeep.run(quiet);
  expect(store.count('delete')).toBe(2_001);
  expect(store.count('list')).toBe(4);
  await upkeep.run(quiet);
  expect(store.count('list')).toBe(4);
  await clock.advance(60 * 60);
  await upkeep.run(quiet);
  expect(store.count('list')).toBe(6);
});

it('a sign-in cannot be used twice after a lost answer of the store', async () => {
  const store = new FaultyStore(new MemoryObjectStore());
  const signIns = new SignIns({ ...context, control: store, clock: new ManualClock() });
  const once = { name: 'd'.repeat(32), expires: 2_000_000_000 };
  store.next(({ operation }) => operation === 'put', { does: 'lose-reply-applied' });
  expect(await signIns.use(once)).toBe(true);
  expect(await signIns.use(once)).toBe(false);
});
