import { expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import type { ObjectStore } from '../../src/object-store/object-store.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { EventStore } from '../../src/relay/log/event-store.ts';
import { CATALOG_KEY } from '../../src/repository/keys.ts';
import { eachStore } from '../helpers/stores.ts';
import { until } from '../helpers/until.ts';
import { plainEvent } from '../unit/relay/plain-events.ts';

/** Every second a server looks at what the others have written; a busy machine takes longer over it. */

async function startServer(store: ObjectStore): Promise<EventStore> {
  const log = createLogger('silent');
  const events = await EventStore.open({
    control: store,
    bulk: store,
    clock: systemClock,
    random: systemRandom,
    log,
  });
  events.start();
  return events;
}

async function segmentsIn(store: ObjectStore): Promise<number> {
  const found = await store.get(CATALOG_KEY);
  if (!found.found) return 0;
  const text = Buffer.concat(await found.body.toArray()).toString();
  return (JSON.parse(text) as { segments: unknown[] }).segments.length;
}

eachStore('the event log', (openStore) => {
  it('is shared among servers, and survives restarts', async () => {
    const store = await openStore();
    const [one, two] = [await startServer(store), await startServer(store)];
    const [first, second] = [plainEvent({ content: 'first' }), plainEvent({ content: 'second' })];
    await one.append([first]);
    await until(() => two.get(first.id) !== undefined);
    await two.append([second]);
    await until(() => one.get(second.id) !== undefined);
    await one.close();
    await two.close();
    const fresh = await startServer(store);
    expect([fresh.get(first.id), fresh.get(second.id)]).toEqual([first, second]);
    await fresh.close();
    await store.close();
  });

  it('is compacted automatically while servers write', async () => {
    const store = await openStore();
    const servers = [await startServer(store), await startServer(store)];
    const events = Array.from({ length: 120 }, (_, number) => plainEvent({ content: String(number) }));
    // One after another, so that each goes into an entry of its own.
    for (const [at, event] of events.entries()) await servers[at % 2]?.append([event]);
    await until(async () => (await segmentsIn(store)) > 0);
    for (const server of servers) await server.close();
    const fresh = await startServer(store);
    expect(events.filter(({ id }) => fresh.get(id) === undefined)).toEqual([]);
    await fresh.close();
    await store.close();
  });
});
