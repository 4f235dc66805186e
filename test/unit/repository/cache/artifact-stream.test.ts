import { until } from '../../../helpers/until.ts';
import { filesBelow } from '../../../helpers/files.ts';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sha256 } from '../../../../src/lib/digest.ts';
import { MemoryObjectStore } from '../../../../src/object-store/memory.ts';
import type { GetOptions, GetResult } from '../../../../src/object-store/object-store.ts';
import type { ArtifactStream } from '../../../../src/repository/cache/artifact-stream.ts';
import { CachedFiles } from '../../../../src/repository/cache/cached-files.ts';
import { FillingFile } from '../../../../src/repository/cache/filling-file.ts';
import { artifactKey } from '../../../../src/repository/keys.ts';
import type { ArtifactRef } from '../../../../src/repository/manifest.ts';
import { repositoryId } from '../../../../src/repository/repository-id.ts';
import { artifactBytes } from '../../../helpers/artifact-bytes.ts';
import { ID, RepositoryRig } from '../../../helpers/repository-rig.ts';
import { type TempDir, tempDir } from '../../../helpers/temp-dir.ts';

const OTHER = repositoryId('b'.repeat(64), 'other');

/** A store whose packs come when the test says so, byte by byte if need be. */
class SlowStore extends MemoryObjectStore {
  readonly bodies: PassThrough[] = [];
  slow = true;

  override async get(key: string, options?: GetOptions): Promise<GetResult> {
    const result = await super.get(key, options);
    if (!this.slow || !result.found || !key.endsWith('.pack')) return result;
    result.body.destroy();
    const body = new PassThrough();
    this.bodies.push(body);
    return { ...result, body };
  }

  /** The body of the first download, once it has been asked for. */
  async body(): Promise<PassThrough> {
    await until(() => Promise.resolve(this.bodies.length > 0));
    const [body] = this.bodies;
    if (body === undefined) throw new Error('nothing was asked for');
    return body;
  }
}

let folder: TempDir;
let store: SlowStore;
let rig: RepositoryRig;

beforeEach(async () => {
  folder = await tempDir();
  store = new SlowStore();
  rig = new RepositoryRig({ folder: folder.path, store, cacheBudget: 10_000_000 });
  await rig.cache.open();
});

afterEach(async () => {
  await rig.cache.close();
  await until(async () => (await openFiles()).length === 0);
  await folder[Symbol.asyncDispose]();
});

async function stored(bytes: Buffer, id = ID): Promise<ArtifactRef> {
  const ref = { digest: sha256(bytes), size: bytes.length };
  await store.put(artifactKey(id, { digest: ref.digest, kind: 'pack' }), bytes, { mode: 'overwrite' });
  return ref;
}

/** An artifact of which an earlier run has left a file with other bytes. */
async function damagedLeftover(): Promise<{ readonly bytes: Buffer; readonly ref: ArtifactRef }> {
  store.slow = false;
  const bytes = randomBytes(500_000);
  const ref = await stored(bytes);
  const file = await rig.cache.acquire(ID, 'pack', ref);
  await writeFile(file.path, Buffer.alloc(500_000));
  rig = new RepositoryRig({ folder: folder.path, store });
  await rig.cache.open();
  return { bytes, ref };
}

async function readAll(stream: ArtifactStream, from = 0, to = stream.size): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of artifactBytes(stream, from, to)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The files of the cache that this process has open. */
async function openFiles(): Promise<string[]> {
  const targets = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  );
  return targets.filter((target) => target.startsWith(folder.path));
}

const downloads = () => rig.store.count('get');

/** A promise that is looked at without being waited for. */
function watch(promise: Promise<unknown>): () => 'pending' | 'fulfilled' | 'rejected' {
  let state: 'pending' | 'fulfilled' | 'rejected' = 'pending';
  promise.then(
    () => {
      state = 'fulfilled';
    },
    () => {
      state = 'rejected';
    },
  );
  return () => state;
}

describe('an artifact during its download', () => {
  it('is read byte by byte as it arrives, and verified at the end', async () => {
    const bytes = randomBytes(1_000);
    const stream = await rig.cache.stream(ID, 'pack', await stored(bytes));
    const verified = watch(stream.verified);
    const reader = artifactBytes(stream, 10, 1_000);
    const body = await store.body();
    body.write(bytes.subarray(0, 100));
    expect((await reader.next()).value).toEqual(bytes.subarray(10, 100));
    body.write(bytes.subarray(100, 999));
    expect((await reader.next()).value).toEqual(bytes.subarray(100, 999));
    expect(verified()).toBe('pending');
    expect(await filesBelow(join(folder.path, 'artifacts'))).toEqual([expect.stringContaining('.tmp-')]);
    body.end(bytes.subarray(999));
    expect((await reader.next()).value).toEqual(bytes.subarray(999));
    expect((await reader.next()).done).toBe(true);
    await stream.verified;
    expect(await readAll(stream, 990)).toEqual(bytes.subarray(990));
    stream.release();
    stream.release();
    expect(await filesBelow(join(folder.path, 'artifacts'))).toEqual([`${sha256(bytes)}.pack`]);
  });

  it('is downloaded once for all readers, and a slow one does not delay others', async () => {
    const bytes = randomBytes(3_000_000);
    const ref = await stored(bytes);
    const streams = await Promise.all(Array.from({ length: 5 }, () => rig.cache.stream(ID, 'pack', ref)));
    const [still, ...others] = streams;
    const standing = still && artifactBytes(still);
    const reading = others.map((stream) => readAll(stream));
    const waiting = rig.cache.acquire(ID, 'pack', ref);
    (await store.body()).end(bytes);
    for (const read of await Promise.all(reading)) expect(sha256(read)).toBe(ref.digest);
    const file = await waiting;
    expect(sha256(await readFile(file.path))).toBe(ref.digest);
    const begin = await standing?.next();
    expect(begin).toMatchObject({ done: false });
    await standing?.return();
    expect(downloads()).toBe(1);
    expect(await openFiles()).toHaveLength(1);
    file.release();
    for (const stream of streams) stream.release();
  });

  it('is downloaded completely for the next reader, even if all readers have left', async () => {
    const bytes = randomBytes(200_000);
    const ref = await stored(bytes);
    const stream = await rig.cache.stream(ID, 'pack', ref);
    const reader = artifactBytes(stream);
    const body = await store.body();
    body.write(bytes.subarray(0, 1_000));
    await reader.next();
    await reader.return();
    stream.release();
    body.end(bytes.subarray(1_000));
    const later = await rig.cache.stream(ID, 'pack', ref);
    expect((await readAll(later)).equals(bytes)).toBe(true);
    await later.verified;
    later.release();
    expect(downloads()).toBe(1);
  });

  it.each([
    ['other bytes', (bytes: Buffer) => Buffer.from(bytes.map((byte, at) => (at === 7 ? byte ^ 1 : byte)))],
    ['too few', (bytes: Buffer) => bytes.subarray(0, 99_999)],
    ['too many', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('!')])],
  ])(
    'is not verified if %s arrive, fails its readers, and leaves nothing',
    async (_, spoil) => {
      const bytes = randomBytes(100_000);
      const ref = await stored(bytes);
      const stream = await rig.cache.stream(ID, 'pack', ref);
      const slow = artifactBytes(stream);
      const body = await store.body();
      body.write(spoil(bytes).subarray(0, 50_000));
      await slow.next();
      body.end(spoil(bytes).subarray(50_000));
      const damage = { kind: 'corrupt', message: expect.stringContaining(`${ref.digest}.pack`) };
      await expect(stream.verified).rejects.toMatchObject(damage);
      await expect(slow.next()).rejects.toMatchObject(damage);
      await expect(readAll(stream)).rejects.toMatchObject(damage);
      stream.release();
      expect(await filesBelow(join(folder.path, 'artifacts'))).toEqual([]);
      store.slow = false;
      const again = await rig.cache.stream(ID, 'pack', ref);
      expect((await readAll(again)).equals(bytes)).toBe(true);
      again.release();
    },
  );

  it('that is missing in the store fails its readers', async () => {
    const ref = { digest: sha256('absent'), size: 6 };
    const stream = await rig.cache.stream(ID, 'pack', ref);
    await expect(readAll(stream)).rejects.toMatchObject({ kind: 'corrupt' });
    await expect(stream.verified).rejects.toMatchObject({ kind: 'corrupt' });
    stream.release();
  });

  it('is not shown to another repository before it is verified', async () => {
    const bytes = randomBytes(1_000);
    const ref = await stored(bytes);
    await stored(bytes, OTHER);
    const damaged = await rig.cache.stream(ID, 'pack', ref);
    const body = await store.body();
    const opening = rig.cache.stream(OTHER, 'pack', ref);
    const opened = watch(opening);
    body.write(bytes.subarray(0, 500));
    await artifactBytes(damaged, 0, 500).next();
    expect(opened()).toBe('pending');
    store.slow = false;
    body.end(Buffer.alloc(500));
    await expect(damaged.verified).rejects.toMatchObject({ kind: 'corrupt' });
    const well = await opening;
    expect((await readAll(well)).equals(bytes)).toBe(true);
    await well.verified;
    damaged.release();
    well.release();
    expect(downloads()).toBe(2);
  });

  it('breaks off when the server stops', async () => {
    const bytes = randomBytes(1_000);
    const stream = await rig.cache.stream(ID, 'pack', await stored(bytes));
    const body = await store.body();
    body.write(bytes.subarray(0, 10));
    body.once('error', () => undefined);
    const closing = rig.cache.close();
    body.destroy(new Error('connections are closed'));
    await closing;
    await expect(readAll(stream)).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('stopping'),
    });
    stream.release();
    expect(await filesBelow(join(folder.path, 'artifacts'))).toEqual([]);
  });
});

describe('a cached artifact', () => {
  it('is read without a request while it is in use, whatever the budget', async () => {
    store.slow = false;
    rig = new RepositoryRig({ folder: folder.path, store, cacheBudget: 1_000 });
    await rig.cache.open();
    const bytes = randomBytes(500_000);
    const ref = await stored(bytes);
    const first = await rig.cache.stream(ID, 'pack', ref);
    await first.verified;
    const second = await rig.cache.stream(ID, 'pack', ref);
    first.release();
    expect(await filesBelow(join(folder.path, 'artifacts'))).toEqual([`${ref.digest}.pack`]);
    expect((await readAll(second)).equals(bytes)).toBe(true);
    await second.verified;
    second.release();
    await until(async () => (await filesBelow(join(folder.path, 'artifacts'))).length === 0);
    expect(downloads()).toBe(1);
  });

  it('from before a restart is read during its check, without a request', async () => {
    store.slow = false;
    const bytes = randomBytes(500_000);
    const ref = await stored(bytes);
    (await rig.cache.acquire(ID, 'pack', ref)).release();
    rig = new RepositoryRig({ folder: folder.path, store });
    await rig.cache.open();
    const [stream, file] = await Promise.all([
      rig.cache.stream(ID, 'pack', ref),
      rig.cache.acquire(ID, 'pack', ref),
    ]);
    expect((await readAll(stream)).equals(bytes)).toBe(true);
    await stream.verified;
    stream.release();
    file.release();
    expect(downloads()).toBe(0);
  });

  it('from before a restart with other bytes fails once, and is downloaded for the next reader', async () => {
    const { bytes, ref } = await damagedLeftover();
    const stream = await rig.cache.stream(ID, 'pack', ref);
    await expect(stream.verified).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('try once more'),
    });
    stream.release();
    const again = await rig.cache.stream(ID, 'pack', ref);
    expect((await readAll(again)).equals(bytes)).toBe(true);
    again.release();
    expect(downloads()).toBe(1);
  });

  it('from before a restart with other bytes blocks nobody while the disk removes it', async () => {
    const { bytes, ref } = await damagedLeftover();
    const remove = CachedFiles.prototype.remove;
    const removing = new Promise<void>((begun) => {
      vi.spyOn(CachedFiles.prototype, 'remove').mockImplementation(async function (this: CachedFiles, name) {
        const gone = remove.call(this, name);
        begun();
        await new Promise((resolve) => setTimeout(resolve, 50));
        await gone;
      });
    });
    const hold = FillingFile.prototype.hold;
    let attempts = 0;
    vi.spyOn(FillingFile.prototype, 'hold').mockImplementation(function (this: FillingFile) {
      // Without this, one that goes round and round would never end, nor let the test end.
      if (++attempts > 100) throw new Error('asked again and again');
      return hold.call(this);
    });
    try {
      const first = rig.cache.acquire(ID, 'pack', ref);
      await removing;
      const stream = await rig.cache.stream(ID, 'pack', ref);
      expect(attempts).toBeLessThan(5);
      expect((await readAll(stream)).equals(bytes)).toBe(true);
      stream.release();
      (await first).release();
    } finally {
      vi.restoreAllMocks();
    }
  });

  it('from before a restart that is truncated is downloaded at once', async () => {
    store.slow = false;
    const bytes = randomBytes(500_000);
    const ref = await stored(bytes);
    const file = await rig.cache.acquire(ID, 'pack', ref);
    await writeFile(file.path, bytes.subarray(0, 499_999));
    rig = new RepositoryRig({ folder: folder.path, store });
    await rig.cache.open();
    const stream = await rig.cache.stream(ID, 'pack', ref);
    expect((await readAll(stream)).equals(bytes)).toBe(true);
    await stream.verified;
    stream.release();
    expect(downloads()).toBe(1);
  });
});
