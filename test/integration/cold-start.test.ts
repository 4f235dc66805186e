/** A server that has nothing of a repository yet: who waits for what, and how often the store is asked. */

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePacket, flushPacket } from '../../src/git/index.ts';
import { sha256, sha256OfFile } from '../../src/lib/digest.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { openS3 } from '../../src/object-store/s3/s3.ts';
import { rangedDownloads } from '../../src/repository/cache/artifact-download.ts';
import type { App } from '../../src/server/app.ts';
import { artifactBytes } from '../helpers/artifact-bytes.ts';
import { FaultyStore, type StoreCall } from '../helpers/faulty-store.ts';
import { gate } from '../helpers/gate.ts';
import { GitClient } from '../helpers/git-client.ts';
import { startR2, type TestBucket } from '../helpers/r2.ts';
import { ID, RepositoryRig } from '../helpers/repository-rig.ts';
import { repositoryUrl, startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const MIB = 1024 * 1024;

let folder: TempDir;

beforeAll(async () => {
  folder = await tempDir('cairn-cold');
});

afterAll(() => folder[Symbol.asyncDispose]());

const isPack = ({ operation, key }: StoreCall) => operation === 'get' && key.endsWith('.pack');

describe('a clone from a cold server', () => {
  let store: FaultyStore;
  let tip: string;

  beforeAll(async () => {
    store = new FaultyStore(new MemoryObjectStore());
    await using server = await startServer({ store, overrides: { background: false } });
    const author = await new GitClient(folder.path).init('author');
    tip = await author.commit('Begin', { data: randomBytes(300_000) });
    await author.run(['push', '--quiet', repositoryUrl(server, 'cold'), 'main']);
  });

  async function coldServer(): Promise<App> {
    store.reset();
    return startServer({ store, overrides: { background: false } });
  }

  it('continues to download when its client leaves, and the next client needs no second request', async () => {
    await using server = await coldServer();
    const [asked, answer] = [gate(), gate()];
    store.next(isPack, {
      does: 'run',
      before: () => {
        asked.open();
        return answer.opened;
      },
    });
    const leaving = new AbortController();
    const left = fetch(`${repositoryUrl(server, 'cold')}/git-upload-pack`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-git-upload-pack-request' },
      body: Buffer.concat([encodePacket(`want ${tip} ofs-delta\n`), flushPacket, encodePacket('done\n')]),
      signal: leaving.signal,
    });
    await asked.opened;
    leaving.abort();
    await expect(left).rejects.toMatchObject({ name: 'AbortError' });
    const copying = new GitClient(folder.path).clone(repositoryUrl(server, 'cold'), 'after-another-left');
    answer.open();
    const copy = await copying;
    expect(await copy.oidOf('HEAD')).toBe(tip);
    expect(store.log.filter(({ key }) => key.endsWith('.pack'))).toHaveLength(1);
    expect(store.log.filter(({ key }) => key.endsWith('.idx')).length).toBeLessThanOrEqual(1);
  });

  it('lets others run git while its packs are downloaded', async () => {
    await using server = await startServer({
      store,
      flags: { 'git-concurrency': '1', 'git-queue': '0' },
      overrides: { background: false },
    });
    const user = new GitClient(folder.path);
    const other = await user.init('other');
    const warm = await other.commit('Begin elsewhere', { data: 'small\n' });
    await other.run(['push', '--quiet', repositoryUrl(server, 'warm'), 'main']);
    store.reset();
    const [asked, answer] = [gate(), gate()];
    store.next(isPack, {
      does: 'run',
      before: () => {
        asked.open();
        return answer.opened;
      },
    });
    const waiting = user.clone(repositoryUrl(server, 'cold'), 'waiting', '--depth=1');
    await asked.opened;
    const copy = await user.clone(repositoryUrl(server, 'warm'), 'not-waiting', '--depth=1');
    expect(await copy.oidOf('HEAD')).toBe(warm);
    answer.open();
    await waiting;
  });

  it('by many clients at once sends the requests of a single one', async () => {
    await using server = await coldServer();
    store.latency = 5;
    const clones = Array.from({ length: 6 }, (_, index) =>
      new GitClient(folder.path).clone(repositoryUrl(server, 'cold'), `at-once-${index}`),
    );
    for (const copy of await Promise.all(clones)) expect(await copy.oidOf('HEAD')).toBe(tip);
    store.latency = 0;
    const artifacts = store.log.filter(({ key }) => /\.(?:pack|idx|json)$/.test(key)).map(({ key }) => key);
    expect(new Set(artifacts).size).toBe(artifacts.length);
  });
});

describe('a large pack on S3', () => {
  let bucket: TestBucket;

  beforeAll(async () => {
    bucket = await startR2();
  });

  afterAll(() => bucket.close());

  it('is downloaded in ranges, once each, and readable from the first one on', async () => {
    const { close: _, ...access } = bucket;
    const pair = openS3(access);
    const store = new FaultyStore(pair.bulk);
    const ranged = { ...rangedDownloads(), above: 2 * MIB, length: 2 * MIB };
    const rig = new RepositoryRig({ folder: folder.path, store, ranged });
    await rig.cache.open();
    const bytes = randomBytes(9 * MIB);
    const ref = await rig.artifacts.put(ID, 'pack', sha256(bytes), bytes);
    store.reset();
    // The fifth range waits until a byte has been read.
    const read = gate();
    let ranges = 0;
    store.rules.push(() => (++ranges === 5 ? { does: 'run', before: () => read.opened } : undefined));
    const stream = await rig.cache.stream(ID, 'pack', ref);
    const reader = artifactBytes(stream);
    const first = await reader.next();
    expect(first).toMatchObject({ done: false });
    read.open();
    await stream.verified;
    expect(store.count('get')).toBe(5);
    const file = await rig.cache.acquire(ID, 'pack', ref);
    expect(await sha256OfFile(file.path)).toBe(ref.digest);
    expect(store.count('get')).toBe(5);
    file.release();
    await reader.return();
    stream.release();
    await Promise.all([pair.bulk.close(), pair.control.close()]);
  });
});
