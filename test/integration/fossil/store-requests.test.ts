/** What the work of Fossil clients costs at the object store: every request of a whole server is counted. */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MemoryBag } from '../../../src/fossil-sync/client/memory-bag.ts';
import { sync } from '../../../src/fossil-sync/client/sync.ts';
import { openHttpTransport } from '../../../src/fossil-sync/open-http-transport.ts';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import { CreateFossil, newFossilState } from '../../../src/repository/fossil/create-fossil.ts';
import { repositoryId } from '../../../src/repository/repository-id.ts';
import type { App } from '../../../src/server/app.ts';
import { FaultyStore } from '../../helpers/faulty-store.ts';
import { FossilClient, noFossil } from '../../helpers/fossil.ts';
import { checkIn, delta, lines, whole } from '../../helpers/fossil-rig.ts';
import { OWNER, startServer } from '../../helpers/server.ts';
import { type TempDir, tempDir } from '../../helpers/temp-dir.ts';

/** The pack, the manifest, and the swap, which proves that what the server remembers is current. */
const PUSHED = ['put bag', 'put json', 'put pointer'];
/** The same with a round before it, in which something is announced or pulled: that is a look at the pointer. */
const PUSHED_IN_TWO_ROUNDS = ['get pointer', ...PUSHED];

let folder: TempDir;
let store: FaultyStore;
let server: App;
let client: FossilClient;

beforeAll(async () => {
  folder = await tempDir('fossil-requests');
  store = new FaultyStore(new MemoryObjectStore());
  server = await startServer({ store, overrides: { background: false } });
  client = new FossilClient(folder.path);
});

afterAll(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

afterEach(() => {
  expect(store.count('list'), 'no listing on a request path').toBe(0);
});

/** What was asked of the store for this repository while `work` ran, without order. */
async function asked(work: () => Promise<unknown>): Promise<string[]> {
  store.reset();
  await work();
  return store.log
    .map(({ operation, key }) => `${operation} ${key.split('.')[1] ?? key.split('/').at(-1)}`)
    .sort();
}

/** Makes an empty repository of a project. @returns its URL */
async function host(identifier: string, projectCode: string): Promise<string> {
  const id = repositoryId(OWNER, identifier);
  const repository = server.fossil.get(id);
  const state = newFossilState(id, '1'.repeat(32), { projectCode });
  await repository.publisher.join(new CreateFossil(state, repository.mark()));
  return `${server.url}/fossil/${OWNER}/${identifier}`;
}

describe("Cairn's own client", () => {
  it('needs one request for a sync with nothing new, and four for a check-in', async () => {
    const bag = new MemoryBag('c'.repeat(40));
    await using opened = openHttpTransport({ url: await host('own', bag.projectCode) });
    const { transport } = opened;
    const text = whole(lines(0, 200));
    await bag.take({ artifacts: [text, checkIn('first')] });
    await sync(bag, transport);
    expect(await asked(() => sync(bag, transport))).toEqual(['get pointer']);
    await bag.take({ artifacts: [delta(text, whole(lines(1, 200))), checkIn('second', [checkIn('first')])] });
    expect(await asked(() => sync(bag, transport))).toEqual(PUSHED_IN_TWO_ROUNDS);
    const state = await server.fossil.get(repositoryId(OWNER, 'own')).resolve();
    expect(state?.manifest.artifacts).toBe(4);
  });
});

describe('the stock client', () => {
  beforeEach((test) => test.skip(noFossil !== undefined, noFossil));

  it('needs one request for a sync with nothing new, five for a check-in with autosync, and three for a pushed one', async () => {
    const local = await client.init('project');
    expect(local).toBe(join(folder.path, 'project.fossil'));
    await client.commit('project', 'first', { 'a.txt': lines(0, 200) });
    const url = await host('stock', await client.projectCode(local));
    const first = await client.try(['sync', url, '-R', local]);
    expect(first.all).not.toMatch(/error/i);
    expect(await asked(() => client.run(['sync', '-R', local]))).toEqual(['get pointer']);
    await client.run(['settings', 'autosync', 'on', '-R', local]);
    // The first lock is the first that this server hears of.
    await client.commit('project', 'second', { 'a.txt': lines(1, 200) });
    expect(await asked(() => client.commit('project', 'third', { 'a.txt': lines(2, 200) }))).toEqual(
      [...PUSHED_IN_TWO_ROUNDS, 'put check-in-locks'].sort(),
    );
    await client.run(['settings', 'autosync', 'off', '-R', local]);
    await client.commit('project', 'fourth', { 'a.txt': lines(3, 200) });
    expect(await asked(() => client.run(['push', '-R', local]))).toEqual(PUSHED);
    expect(await asked(() => client.run(['pull', '-R', local]))).toEqual(['get pointer']);
  });
});
