import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NostrEvent, VerifiedEvent } from '../../../../src/nostr/event.ts';
import { parseFilter } from '../../../../src/nostr/filter.ts';
import { MemoryObjectStore } from '../../../../src/object-store/memory.ts';
import { createLogger } from '../../../../src/observability/logger.ts';
import { EventStore } from '../../../../src/relay/log/event-store.ts';
import { CATALOG_KEY } from '../../../../src/repository/keys.ts';
import { FaultyStore, type StoreCall } from '../../../helpers/faulty-store.ts';
import { InstantClock } from '../../../helpers/instant-clock.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { ann, ben, plainEvent } from '../plain-events.ts';

const MINUTE = 60 * 1000;
const HOUR = 60 * MINUTE;

let bucket: FaultyStore;
let clock: InstantClock;
let seed = 1;
let opened: EventStore[] = [];

beforeEach(() => {
  bucket = new FaultyStore(new MemoryObjectStore(), { sees: () => true });
  clock = new InstantClock();
  opened = [];
});

afterEach(async () => {
  bucket.rules.length = 0;
  for (const store of opened) await store.close();
});

/** One more server over the bucket. */
async function server(): Promise<EventStore> {
  const log = createLogger('silent');
  const store = await EventStore.open({
    control: bucket,
    bulk: bucket,
    clock,
    random: new SeededRandom(seed++),
    log,
  });
  opened.push(store);
  return store;
}

function issues(count: number, label = ''): VerifiedEvent[] {
  return Array.from({ length: count }, (_, number) =>
    plainEvent({ created_at: 1_700_000_000 + number, content: `${label} ${number}` }),
  );
}

const state = (at: number, by = ann) => plainEvent({ by, kind: 30618, created_at: at, tags: [['d', 'x']] });

/** Ids of all that a server shows. */
function shownBy(store: EventStore): string[] {
  const parsed = parseFilter({});
  if (!parsed.ok) throw new Error(parsed.reason);
  const options = { limit: 10_000, now: Math.floor(clock.now() / 1000), visible: () => true };
  return idsOf(store.query([parsed.value], options));
}

function idsOf(events: readonly NostrEvent[]): string[] {
  return events.map(({ id }) => id).sort();
}

async function keys(part: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of bucket.list('v1/events/')) if (key.includes(part)) found.push(key);
  return found;
}

const isEntry = (call: StoreCall) => call.operation === 'put' && call.key.includes('/writers/');
const isCatalogWrite = (call: StoreCall) => call.operation === 'put' && call.key === CATALOG_KEY;

describe('appending events', () => {
  it('returns the result of each event, and writes only new ones', async () => {
    const store = await server();
    const [older, newer] = [state(1), state(2)];
    expect(await store.append([newer])).toEqual(['stored']);
    expect(await store.append([newer, older, plainEvent()])).toEqual(['duplicate', 'superseded', 'stored']);
    bucket.reset();
    expect(await store.append([newer, older])).toEqual(['duplicate', 'superseded']);
    expect(bucket.count()).toBe(0);
  });

  it('makes an event known when it is durable', async () => {
    const store = await server();
    const event = plainEvent();
    const seen: boolean[] = [];
    bucket.next(isEntry, {
      does: 'run',
      before: async () => void seen.push(store.get(event.id) !== undefined),
    });
    await store.append([event]);
    expect(seen).toEqual([false]);
    expect(store.get(event.id)).toEqual(event);
  });

  it('stores a flood in few writes, each event once', async () => {
    const store = await server();
    const events = issues(600);
    const answers = await Promise.all([...events, ...events].map((event) => store.append([event])));
    expect(answers.flat().filter((stored) => stored === 'stored')).toHaveLength(600);
    expect(answers.flat().filter((stored) => stored === 'duplicate')).toHaveLength(600);
    expect((await keys('/writers/')).length).toBeLessThanOrEqual(5);
    expect(shownBy(await server())).toEqual(idsOf(events));
  });

  it('stores an event as visible if it is added hidden and visible at once', async () => {
    const store = await server();
    const event = plainEvent();
    const first = store.append([plainEvent({ content: 'under way' })]);
    await Promise.all([first, store.append([event], { hidden: true }), store.append([event])]);
    expect(store.isHidden(event.id)).toBe(false);
    expect((await server()).isHidden(event.id)).toBe(false);
  });

  it('notifies listeners of new events only', async () => {
    const [here, there] = [await server(), await server()];
    const heard: unknown[] = [];
    const stop = here.onEvent((event, facts) => heard.push([event.content, facts.hidden, facts.elsewhere]));
    await here.append([plainEvent({ content: 'own' })]);
    await here.append([plainEvent({ content: 'own' })]);
    await there.append([plainEvent({ content: 'foreign' })]);
    await there.append([plainEvent({ content: 'waiting' })], { hidden: true });
    await here.tailNow();
    await there.append([plainEvent({ content: 'waiting' })]);
    await here.tailNow();
    stop();
    await here.append([plainEvent({ content: 'unheard' })]);
    expect(heard).toEqual([
      ['own', false, false],
      ['foreign', false, true],
      ['waiting', true, true],
      ['waiting', false, true],
    ]);
  });

  it('is refused after the store was closed', async () => {
    const store = await server();
    await store.close();
    await expect(store.append([plainEvent()])).rejects.toMatchObject({ kind: 'unavailable' });
  });
});

describe('with a faulty object store', () => {
  it.each([
    'lose-reply-applied',
    'lose-reply-not-applied',
    'refuse-after-applying',
    'conflict',
    'throttle',
    'unavailable',
  ] as const)('that does `%s` once for an entry, nothing changes', async (does) => {
    const store = await server();
    const events = issues(3);
    for (const event of events) {
      bucket.next(isEntry, { does });
      expect(await store.append([event])).toEqual(['stored']);
    }
    expect(await keys('/writers/')).toHaveLength(3);
    expect(shownBy(await server())).toEqual(idsOf(events));
  });

  it.each(['lose-reply-applied', 'lose-reply-not-applied', 'conflict'] as const)(
    'that does `%s` for the catalog, nothing changes',
    async (does) => {
      const store = await server();
      bucket.next(isCatalogWrite, { does });
      await store.append(issues(3));
      bucket.next(isCatalogWrite, { does });
      expect(await store.compact()).toBe(true);
      const fresh = await server();
      expect(shownBy(fresh)).toEqual(idsOf(issues(3)));
      expect(await keys('/segments/')).toHaveLength(1);
    },
  );

  it('that refuses every write, appending fails, and nothing of it is known', async () => {
    const [store, other] = [await server(), await server()];
    const [lost, kept] = issues(2);
    if (lost === undefined || kept === undefined) throw new Error('there are two');
    bucket.next(isEntry, { does: 'throttle' }, 100);
    await expect(store.append([lost])).rejects.toMatchObject({ kind: 'unavailable' });
    expect(store.get(lost.id)).toBeUndefined();
    bucket.rules.length = 0;
    expect(await store.append([kept])).toEqual(['stored']);
    await other.tailNow();
    expect(shownBy(other)).toEqual([kept.id]);
    expect(await store.append([lost])).toEqual(['stored']);
  });

  it('that applies a write late, its entry gets into the log, and the next entry follows it', async () => {
    const [store, other] = [await server(), await server()];
    const [late, next] = issues(2);
    if (late === undefined || next === undefined) throw new Error('there are two');
    bucket.next(isEntry, { does: 'apply-late' }, 1);
    bucket.next(isEntry, { does: 'throttle' }, 100);
    await expect(store.append([late])).rejects.toMatchObject({ kind: 'unavailable' });
    bucket.rules.length = 0;
    await bucket.applyLate();
    expect(await store.append([next])).toEqual(['stored']);
    await other.tailNow();
    for (const one of [store, other]) expect(shownBy(one)).toEqual(idsOf([late, next]));
  });

  it('that applies a write late while others compact, the next entries are still read', async () => {
    const [store, other] = [await server(), await server()];
    const [late, next] = issues(2);
    if (late === undefined || next === undefined) throw new Error('there are two');
    bucket.next(isEntry, { does: 'apply-late' }, 1);
    bucket.next(isEntry, { does: 'throttle' }, 100);
    await expect(store.append([late])).rejects.toMatchObject({ kind: 'unavailable' });
    bucket.rules.length = 0;
    await bucket.applyLate();
    expect(await other.compact()).toBe(true);
    clock.advance(11 * MINUTE);
    await other.sweep();
    await store.append([next]);
    for (const one of [store, other]) {
      await one.tailNow();
      expect(shownBy(one)).toEqual(idsOf([late, next]));
    }
  });

  it('that cannot be read for a while, events of others come later, and none is lost', async () => {
    const [store, other] = [await server(), await server()];
    await store.append(issues(2, 'first'));
    bucket.next(({ operation, key }) => operation === 'get' && key.includes('/writers/'), {
      does: 'unavailable',
    });
    await expect(other.tailNow()).rejects.toMatchObject({ kind: 'unavailable' });
    await store.append(issues(2, 'then'));
    await other.tailNow();
    expect(shownBy(other)).toEqual(shownBy(store));
  });

  it('that breaks off in a segment, its events come later, and none is lost', async () => {
    const [store, other] = [await server(), await server()];
    await store.append(issues(3));
    await store.compact();
    const isSegment = ({ operation, key }: StoreCall) => operation === 'get' && key.includes('/segments/');
    bucket.next(isSegment, { does: 'break-body' });
    await expect(other.tailNow()).rejects.toThrow();
    await other.tailNow();
    expect(shownBy(other)).toEqual(idsOf(issues(3)));
  });

  it('that damages an object, the error names it', async () => {
    const store = await server();
    await store.append(issues(3));
    const [entry = ''] = await keys('/writers/');
    await bucket.put(entry, Buffer.from('{"version":1,"at":0,"events":[{}],"hidden":[]}'), {
      mode: 'overwrite',
    });
    await expect(server()).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringContaining(entry),
    });
    await bucket.delete(entry);
    await store.compact();
    const [segment = ''] = await keys('/segments/');
    await bucket.put(segment, Buffer.from('x'), { mode: 'overwrite' });
    await expect(server()).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringContaining(segment),
    });
  });
});

describe('several servers', () => {
  it('read each other’s events', async () => {
    const [one, two, three] = [await server(), await server(), await server()];
    await Promise.all([one, two, three].map((store, at) => store.append(issues(40, `server ${at}`))));
    await one.append([state(5, ben)]);
    await two.append([state(4, ben)]);
    for (const store of [one, two, three]) await store.tailNow();
    expect(shownBy(one)).toHaveLength(121);
    expect(shownBy(two)).toEqual(shownBy(one));
    expect(shownBy(three)).toEqual(shownBy(one));
    expect(shownBy(await server())).toEqual(shownBy(one));
  });

  it('send few requests if nothing is new', async () => {
    const [one, two] = [await server(), await server()];
    await one.append(issues(3));
    await two.tailNow();
    bucket.reset();
    await two.tailNow();
    // The catalog, and the next entry of the one other writer.
    expect(bucket.log.map(({ operation, outcome }) => [operation, outcome])).toEqual([
      ['get', 'not-modified'],
      ['get', 'missing'],
    ]);
  });

  it('that store the same event at once keep it once', async () => {
    const [one, two] = [await server(), await server()];
    await Promise.all([one.append(issues(3)), two.append(issues(3))]);
    await one.compact();
    expect(shownBy(one)).toEqual(idsOf(issues(3)));
    expect(shownBy(await server())).toEqual(idsOf(issues(3)));
  });

  it('that compact the same entries at once: one succeeds, and the other leaves nothing', async () => {
    const [one, two] = [await server(), await server()];
    await one.append(issues(5));
    let folded: boolean | undefined;
    const before = async () => {
      folded = await two.compact();
    };
    bucket.next(isCatalogWrite, { does: 'run', before });
    expect(await one.compact()).toBe(false);
    expect(folded).toBe(true);
    expect(await storedIn('/segments/')).toEqual(idsOf(issues(5)));
  });

  it('that compact at once leave every event in the log, and no unnamed segment', async () => {
    const stores = [await server(), await server(), await server()];
    for (let round = 0; round < 4; round++) {
      await Promise.all(stores.map((store, at) => store.append(issues(5, `round ${round}, server ${at}`))));
      const folded = await Promise.all(stores.map((store) => store.compact()));
      expect(folded).toContain(true);
      for (const store of stores) await store.tailNow();
    }
    const fresh = await server();
    expect(shownBy(fresh)).toHaveLength(60);
    for (const store of stores) expect(shownBy(store)).toEqual(shownBy(fresh));
    clock.advance(11 * MINUTE);
    await fresh.compact();
    await fresh.sweep();
    await fresh.tailNow();
    const { segments } = await catalog();
    expect(await keys('/segments/')).toHaveLength(segments.length);
    expect(await storedIn('/segments/')).toEqual(shownBy(fresh));
  });
});

describe('compaction', () => {
  it('keeps a deletion that has expired, because what it deletes is in older segments', async () => {
    const store = await server();
    const deleted = plainEvent({ content: 'deleted' });
    // So much that the next compaction leaves this segment alone.
    await store.append([deleted, ...issues(200, 'x'.repeat(1_000))]);
    await store.compact();
    const expiration = String(Math.floor(clock.now() / 1000) + 60);
    const tags = [
      ['e', deleted.id],
      ['expiration', expiration],
    ];
    const request = plainEvent({ kind: 5, tags });
    await store.append([request]);
    clock.advance(2 * MINUTE);
    await store.compact();
    const next = await server();
    await next.tailNow();
    for (const one of [store, next]) {
      expect(shownBy(one)).not.toContain(deleted.id);
      expect(one.judge(deleted)).toBe('deleted');
      expect(one.get(request.id), 'nobody is shown the request any more').toBeUndefined();
    }
  });

  it('keeps entries for slow readers, and deletes them later', async () => {
    const [store, slow] = [await server(), await server()];
    for (const event of issues(20)) await store.append([event]);
    await store.compact();
    await store.sweep();
    expect(await keys('/writers/')).toHaveLength(20);
    clock.advance(11 * MINUTE);
    await store.sweep();
    expect(await keys('/writers/')).toEqual([]);
    expect((await catalog()).condemned).toEqual([]);
    await slow.tailNow();
    expect(shownBy(slow)).toEqual(idsOf(issues(20)));
  });

  it('makes segments that a reader uses after an absence, even if the writer has left', async () => {
    const slow = await server();
    const brief = await server();
    await brief.append(issues(20));
    await brief.close();
    await slow.tailNow();
    expect(shownBy(slow)).toEqual(idsOf(issues(20)));
    const other = await server();
    await other.append(issues(3, 'more'));
    await other.close();
    clock.advance(HOUR);
    await (await server()).sweep();
    await slow.tailNow();
    expect(shownBy(slow)).toHaveLength(23);
  });

  it('makes segments that are not read by servers that have read the entries', async () => {
    const [store, other] = [await server(), await server()];
    await store.append(issues(20));
    await other.tailNow();
    await store.compact();
    bucket.reset();
    await other.tailNow();
    expect(bucket.log.filter(({ key }) => key.includes('/segments/'))).toEqual([]);
  });

  it('drops removed events', async () => {
    const store = await server();
    const [target, other] = issues(2);
    if (target === undefined || other === undefined) throw new Error('there are two');
    const now = Math.floor(clock.now() / 1000);
    const brief = plainEvent({ tags: [['expiration', String(now + 60)]] });
    const waiting = plainEvent({ kind: 30617, tags: [['d', 'waiting']] });
    const deletion = plainEvent({ kind: 5, tags: [['e', target.id]] });
    await store.append([state(1), target, brief]);
    await store.append([waiting], { hidden: true });
    await store.compact();
    expect(await storedIn('/segments/')).toEqual(idsOf([state(1), target, brief, waiting]));
    await store.append([state(2), other, deletion]);
    clock.advance(HOUR);
    await store.compact();
    await store.sweep();
    clock.advance(11 * MINUTE);
    await store.sweep();
    expect(await storedIn('/segments/')).toEqual(idsOf([state(2), other, deletion]));
    const fresh = await server();
    expect(fresh.judge(target)).toBe('deleted');
    expect(fresh.judge(state(1))).toBe('superseded');
    expect(fresh.get(waiting.id)).toBeUndefined();
  });

  it('does not restore an older version of an event that was deleted by its id', async () => {
    const store = await server();
    const [older, newer] = [state(1), state(2)];
    await store.append([older]);
    await store.append(issues(200));
    await store.compact();
    await store.append([newer]);
    await store.append([plainEvent({ kind: 5, tags: [['e', newer.id]] })]);
    await store.compact();
    const fresh = await server();
    expect(fresh.latest(30618, ann, 'x')).toBeUndefined();
    expect(fresh.judge(older)).toBe('deleted');
  });

  it('keeps hidden events hidden, and visible ones visible', async () => {
    const store = await server();
    const [waiting, shown] = ['waiting', 'shown'].map((d) => plainEvent({ kind: 30617, tags: [['d', d]] }));
    if (waiting === undefined || shown === undefined) throw new Error('there are two');
    await store.append([waiting, shown], { hidden: true });
    await store.append([shown]);
    await store.compact();
    const fresh = await server();
    expect(fresh.isHidden(waiting.id)).toBe(true);
    expect(shownBy(fresh)).toEqual([shown.id]);
    expect(await storedIn('/segments/')).toEqual(idsOf([waiting, shown]));
    for (const one of [store, fresh]) expect([...one.hiddenEvents()]).toEqual([waiting]);
    clock.advance(HOUR);
    await fresh.tailNow();
    expect([...fresh.hiddenEvents()]).toEqual([]);
  });

  it('leaves few segments, however often it runs', async () => {
    const store = await server();
    for (let round = 0; round < 60; round++) {
      await store.append(issues(5, `round ${round}`));
      await store.compact();
    }
    expect((await catalog()).segments.length).toBeLessThanOrEqual(8);
    expect(shownBy(await server())).toHaveLength(300);
  });
});

describe('writers', () => {
  it('leave the catalog when they are closed, and leave only segments', async () => {
    const store = await server();
    await store.append(issues(3));
    await store.close();
    expect((await catalog()).writers).toEqual({});
    expect(shownBy(await server())).toHaveLength(3);
  });

  it('that only read never write', async () => {
    const store = await server();
    await store.tailNow();
    await store.compact();
    await store.sweep();
    await store.close();
    expect(bucket.writes()).toBe(0);
  });

  it('that were killed are removed after a day, and their events are kept', async () => {
    const [killed, other] = [await server(), await server()];
    await killed.append(issues(3));
    opened = opened.filter((store) => store !== killed);
    clock.advance(23 * HOUR);
    await other.compact();
    await other.sweep();
    expect(Object.keys((await catalog()).writers)).toHaveLength(1);
    clock.advance(2 * HOUR);
    await other.sweep();
    expect((await catalog()).writers).toEqual({});
    expect(shownBy(await server())).toHaveLength(3);
  });

  it('that continue after days are read under a new name', async () => {
    const [sleeper, other] = [await server(), await server()];
    await sleeper.append(issues(3));
    await other.compact();
    clock.advance(48 * HOUR);
    await other.sweep();
    const events = issues(3, 'awake');
    await sleeper.append(events);
    await other.tailNow();
    expect(shownBy(other)).toEqual(shownBy(sleeper));
    expect(shownBy(await server())).toHaveLength(6);
  });

  it('that are removed at the moment when they continue are read', async () => {
    const [sleeper, other] = [await server(), await server()];
    await sleeper.append(issues(3));
    await other.compact();
    clock.advance(48 * HOUR);
    // The sweep has looked, and found nothing of the sleeper; then the sleeper writes; then the sweep writes.
    const events = issues(3, 'awake');
    bucket.next(isCatalogWrite, { does: 'run', before: async () => void (await sleeper.append(events)) });
    await other.sweep();
    await other.tailNow();
    expect(shownBy(other)).toEqual(shownBy(sleeper));
    expect(shownBy(await server())).toHaveLength(6);
  });

  it('whose write takes hours, so that they are removed meanwhile, are read', async () => {
    const [sleeper, other] = [await server(), await server()];
    await sleeper.append(issues(3));
    await other.compact();
    const struckOff = async () => {
      clock.advance(48 * HOUR);
      await other.sweep();
    };
    bucket.next(isEntry, { does: 'run', before: struckOff });
    await sleeper.append(issues(3, 'slow'));
    await other.tailNow();
    expect(shownBy(other)).toEqual(shownBy(sleeper));
    expect(shownBy(await server())).toHaveLength(6);
  });
});

async function catalog() {
  const found = await bucket.get(CATALOG_KEY);
  if (!found.found) throw new Error('there is no catalog');
  const text = Buffer.concat(await found.body.toArray()).toString();
  return JSON.parse(text) as { segments: unknown[]; writers: object; condemned: unknown[] };
}

/** Ids of the events in all objects of a kind. */
async function storedIn(part: string): Promise<string[]> {
  const ids: string[] = [];
  for (const key of await keys(part)) {
    const found = await bucket.get(key);
    if (!found.found) throw new Error(`${key} has gone`);
    const { events, hidden } = JSON.parse(Buffer.concat(await found.body.toArray()).toString()) as {
      events: NostrEvent[];
      hidden: { event: NostrEvent }[];
    };
    ids.push(...idsOf([...events, ...hidden.map(({ event }) => event)]));
  }
  return ids.sort();
}
