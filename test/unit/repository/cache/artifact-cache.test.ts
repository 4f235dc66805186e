import { filesBelow } from '../../../helpers/files.ts';
import { link, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../../../src/lib/digest.ts';
import type { ArtifactCache, PinnedFile } from '../../../../src/repository/cache/artifact-cache.ts';
import { artifactKey } from '../../../../src/repository/keys.ts';
import type { ArtifactRef } from '../../../../src/repository/manifest.ts';
import { repositoryId } from '../../../../src/repository/repository-id.ts';
import { ID, RepositoryRig } from '../../../helpers/repository-rig.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { type TempDir, tempDir } from '../../../helpers/temp-dir.ts';

let folder: TempDir;

beforeEach(async () => {
  folder = await tempDir();
});

afterEach(() => folder[Symbol.asyncDispose]());

const OTHER = repositoryId('b'.repeat(64), 'other');

function content(name: string, size = 10): Buffer {
  return Buffer.alloc(size, name);
}

function refOf(bytes: Buffer): ArtifactRef {
  return { digest: sha256(bytes), size: bytes.length };
}

/** Puts packs into the store: each as long as given. */
async function stored(rig: RepositoryRig, bytes: Buffer, id = ID): Promise<ArtifactRef> {
  const ref = refOf(bytes);
  await rig.store.put(artifactKey(id, { digest: ref.digest, kind: 'pack' }), bytes, { mode: 'overwrite' });
  return ref;
}

async function rigWith(cacheBudget = 100): Promise<RepositoryRig> {
  const rig = new RepositoryRig({ folder: folder.path, cacheBudget });
  await rig.cache.open();
  return rig;
}

async function use(cache: ArtifactCache, ref: ArtifactRef): Promise<Buffer> {
  const file = await cache.acquire(ID, 'pack', ref);
  const bytes = await readFile(file.path);
  file.release();
  return bytes;
}

const downloads = (rig: RepositoryRig) => rig.store.count('get');

describe('the artifact cache', () => {
  it('downloads an artifact once for concurrent and later readers', async () => {
    const rig = await rigWith();
    const ref = await stored(rig, content('a'));
    rig.store.latency = 2;
    const files = await Promise.all(Array.from({ length: 20 }, () => rig.cache.acquire(ID, 'pack', ref)));
    expect(new Set(files.map((file) => file.path)).size).toBe(1);
    expect(await use(rig.cache, ref)).toEqual(content('a'));
    expect(downloads(rig)).toBe(1);
    for (const file of files) file.release();
  });

  it('removes the least recently used artifact if it is too large', async () => {
    const rig = await rigWith(30);
    const refs: ArtifactRef[] = [];
    for (const name of ['a', 'b', 'c']) refs.push(await stored(rig, content(name)));
    for (const ref of refs) await use(rig.cache, ref);
    const [a, b, c] = refs as [ArtifactRef, ArtifactRef, ArtifactRef];
    await use(rig.cache, a);
    await use(rig.cache, await stored(rig, content('d')));
    expect((await filesBelow(join(folder.path, 'artifacts'))).sort()).not.toContain(`${b.digest}.pack`);
    expect(await filesBelow(join(folder.path, 'artifacts'))).toHaveLength(3);
    const before = downloads(rig);
    await use(rig.cache, a);
    await use(rig.cache, c);
    expect(downloads(rig)).toBe(before);
    await use(rig.cache, b);
    expect(downloads(rig)).toBe(before + 1);
  });

  it('never removes pinned artifacts, and returns to its budget afterwards', async () => {
    const rig = await rigWith(20);
    const pinned = [];
    for (const name of ['a', 'b', 'c', 'd']) {
      pinned.push(await rig.cache.acquire(ID, 'pack', await stored(rig, content(name))));
    }
    expect(await filesBelow(join(folder.path, 'artifacts'))).toHaveLength(4);
    for (const file of pinned) await stat(file.path);
    for (const file of pinned) file.release();
    pinned[0]?.release();
    await use(rig.cache, await stored(rig, content('e')));
    await expect.poll(async () => (await filesBelow(join(folder.path, 'artifacts'))).length).toBeLessThanOrEqual(2);
  });

  it('serves an artifact that is larger than its budget', async () => {
    const rig = await rigWith(20);
    const ref = await stored(rig, content('huge', 200_000));
    expect(await use(rig.cache, ref)).toEqual(content('huge', 200_000));
    const small = await stored(rig, content('small'));
    expect(await use(rig.cache, small)).toEqual(content('small'));
    await expect.poll(() => filesBelow(join(folder.path, 'artifacts'))).toEqual([`${small.digest}.pack`]);
  });

  it('asks for room if pinned files alone exceed the budget', async () => {
    const rig = await rigWith(20);
    const idle: PinnedFile[] = [];
    for (const name of ['a', 'b'])
      idle.push(await rig.cache.acquire(ID, 'pack', await stored(rig, content(name))));
    rig.cache.onPressure = async () => {
      for (const file of idle.splice(0)) file.release();
    };
    const file = await rig.cache.acquire(ID, 'pack', await stored(rig, content('c')));
    await expect.poll(() => filesBelow(join(folder.path, 'artifacts'))).toHaveLength(2);
    file.release();
  });

  describe('after a restart', () => {
    it('uses its files after checking their bytes, and removes incomplete ones', async () => {
      const first = await rigWith();
      const ref = await stored(first, content('a'));
      await use(first.cache, ref);
      const shard = join(folder.path, 'artifacts', ref.digest.slice(0, 2));
      await writeFile(join(shard, `${ref.digest}.pack.tmp-7`), 'half');
      const rig = new RepositoryRig({ folder: folder.path, store: first.store });
      await rig.cache.open();
      expect(await filesBelow(join(folder.path, 'artifacts'))).toEqual([`${ref.digest}.pack`]);
      rig.store.reset();
      expect(await use(rig.cache, ref)).toEqual(content('a'));
      expect(await use(rig.cache, ref)).toEqual(content('a'));
      expect(downloads(rig)).toBe(0);
    });

    it.each([
      [
        'a flipped byte',
        (bytes: Buffer) => Buffer.from(bytes.map((byte, at) => (at === 3 ? byte ^ 1 : byte))),
      ],
      ['its end missing', (bytes: Buffer) => bytes.subarray(0, 5)],
      ['nothing in it', () => Buffer.alloc(0)],
    ])('downloads again what was left with %s', async (_what, spoil) => {
      const first = await rigWith();
      const ref = await stored(first, content('a'));
      const file = await first.cache.acquire(ID, 'pack', ref);
      await writeFile(file.path, spoil(content('a')));
      const rig = new RepositoryRig({ folder: folder.path, store: first.store });
      await rig.cache.open();
      rig.store.reset();
      expect(await use(rig.cache, ref)).toEqual(content('a'));
      expect(downloads(rig)).toBe(1);
    });

    it('respects a smaller budget', async () => {
      const first = await rigWith();
      for (const name of ['a', 'b', 'c']) await use(first.cache, await stored(first, content(name)));
      await rigWith(15);
      expect(await filesBelow(join(folder.path, 'artifacts'))).toHaveLength(1);
    });
  });

  describe('with an adopted file', () => {
    it('serves it without a download', async () => {
      const rig = await rigWith();
      const source = join(folder.path, 'made-here');
      await writeFile(source, content('mine'));
      const ref = refOf(content('mine'));
      await rig.cache.adopt('pack', ref, source);
      await rig.cache.adopt('pack', ref, source);
      expect(await use(rig.cache, ref)).toEqual(content('mine'));
      expect(downloads(rig)).toBe(0);
    });

    it('respects the budget, and counts the file once', async () => {
      const rig = await rigWith(25);
      for (const name of ['a', 'b', 'c', 'c', 'c']) {
        const source = join(folder.path, name);
        await writeFile(source, content(name));
        await rig.cache.adopt('pack', refOf(content(name)), source);
      }
      expect((await filesBelow(join(folder.path, 'artifacts'))).sort()).toEqual(
        ['b', 'c'].map((name) => `${refOf(content(name)).digest}.pack`).sort(),
      );
    });

    it('does not trust an existing file of that name', async () => {
      const rig = await rigWith();
      const ref = await stored(rig, content('right'));
      const shard = join(folder.path, 'artifacts', ref.digest.slice(0, 2));
      await mkdir(shard);
      await writeFile(join(shard, `${ref.digest}.pack`), 'wrong');
      const source = join(folder.path, 'source');
      await writeFile(source, content('right'));
      await rig.cache.adopt('pack', ref, source);
      expect(await use(rig.cache, ref)).toEqual(content('right'));
    });

    it('reports a failure', async () => {
      const rig = await rigWith();
      await expect(
        rig.cache.adopt('pack', refOf(content('x')), join(folder.path, 'absent')),
      ).rejects.toMatchObject({
        kind: 'unavailable',
      });
    });
  });

  describe('with a failing store', () => {
    it.each([
      ['is missing', undefined],
      ['has other bytes', Buffer.from('0123456789')],
      ['is too short', Buffer.from('0')],
    ])(
      'names an artifact that %s, keeps nothing of it, and downloads it when the store works',
      async (_what, bytes) => {
        const rig = await rigWith();
        const ref = refOf(content('a'));
        const key = artifactKey(ID, { digest: ref.digest, kind: 'pack' });
        if (bytes !== undefined) await rig.store.put(key, bytes, { mode: 'create' });
        await expect(rig.cache.acquire(ID, 'pack', ref)).rejects.toMatchObject({
          kind: 'corrupt',
          message: expect.stringContaining(key),
        });
        expect(await filesBelow(join(folder.path, 'artifacts'))).toEqual([]);
        await stored(rig, content('a'));
        expect(await use(rig.cache, ref)).toEqual(content('a'));
      },
    );

    it.each([{ does: 'unavailable' }, { does: 'break-body', after: 0 }] as const)(
      'reports repeated failures to all readers ($does), and tries again for the next one',
      async (behaviour) => {
        const rig = await rigWith();
        const ref = await stored(rig, content('a', 100_000));
        rig.store.next((call) => call.operation === 'get', behaviour, 3);
        const results = await Promise.allSettled([1, 2, 3].map(() => rig.cache.acquire(ID, 'pack', ref)));
        for (const result of results) {
          expect(result).toMatchObject({ status: 'rejected', reason: { kind: 'unavailable' } });
        }
        expect(await filesBelow(join(folder.path, 'artifacts'))).toEqual([]);
        expect(await use(rig.cache, ref)).toEqual(content('a', 100_000));
      },
    );

    it('resumes a download in the middle', async () => {
      const rig = await rigWith();
      const ref = await stored(rig, content('a', 100_000));
      rig.store.next((call) => call.operation === 'get', { does: 'break-body' });
      expect(await use(rig.cache, ref)).toEqual(content('a', 100_000));
      expect(downloads(rig)).toBe(2);
    });

    it('serves an artifact that is damaged in another repository', async () => {
      const rig = await rigWith();
      rig.store.latency = 2;
      const ref = await stored(rig, content('shared'), OTHER);
      const [damaged, well] = await Promise.allSettled([
        rig.cache.acquire(ID, 'pack', ref),
        rig.cache.acquire(OTHER, 'pack', ref),
      ]);
      expect(damaged).toMatchObject({ status: 'rejected', reason: { kind: 'corrupt' } });
      expect(well.status).toBe('fulfilled');
    });
  });

  describe('whose files somebody deletes', () => {
    const artifacts = () => join(folder.path, 'artifacts');
    const empty = () => rm(artifacts(), { recursive: true });

    it('downloads a file once more for all who want it, and counts it once', async () => {
      const rig = await rigWith();
      const ref = await stored(rig, content('a'));
      const before = await rig.cache.acquire(ID, 'pack', ref);
      await empty();
      rig.store.latency = 2;
      const results = await Promise.all(
        Array.from({ length: 10 }, (_, at) => rig.cache.take(ID, 'pack', ref, (path) => link(path, join(folder.path, `link-${at}`)))),
      );
      expect(downloads(rig)).toBe(2);
      expect(await readFile(join(folder.path, 'link-9'))).toEqual(content('a'));
      expect(rig.cache.bytes).toBe(10);
      // The pin of before says nothing about the new file, and the new ones keep it.
      before.release();
      await rig.cache.relieve();
      expect(await filesBelow(artifacts())).toHaveLength(1);
      for (const { file } of results) file.release();
      await rig.cache.relieve();
      expect(await filesBelow(artifacts())).toEqual([]);
      expect(rig.cache.bytes).toBe(0);
    });

    it('downloads a file once more for a stream', async () => {
      const rig = await rigWith();
      const ref = await stored(rig, content('a'));
      await use(rig.cache, ref);
      await empty();
      const streams = await Promise.all([1, 2].map(() => rig.cache.stream(ID, 'pack', ref)));
      for (const stream of streams) {
        const bytes = Buffer.alloc(10);
        expect(await stream.read([bytes], 0, 10)).toBe(10);
        await stream.verified;
        expect(bytes).toEqual(content('a'));
        stream.release();
      }
      expect(downloads(rig)).toBe(2);
    });

    it('downloads nothing again if something else is missing, and gives up if the file goes again', async () => {
      const rig = await rigWith();
      const ref = await stored(rig, content('a'));
      const nowhere = join(folder.path, 'no', 'folder');
      await expect(rig.cache.take(ID, 'pack', ref, (path) => link(path, nowhere))).rejects.toMatchObject({
        code: 'ENOENT',
      });
      expect(downloads(rig)).toBe(1);
      let uses = 0;
      const deleting = async (path: string) => {
        uses++;
        await rm(path);
        await readFile(path);
      };
      await expect(rig.cache.take(ID, 'pack', ref, deleting)).rejects.toMatchObject({ code: 'ENOENT' });
      expect(uses).toBe(2);
      expect(await use(rig.cache, ref)).toEqual(content('a'));
    });

    it('keeps count, whatever is used, pinned, adopted and deleted', async () => {
      const rig = await rigWith(50);
      const random = new SeededRandom(7);
      const bodies = Array.from({ length: 8 }, (_, at) => content(String(at), 5 + at));
      const refs = await Promise.all(bodies.map((bytes) => stored(rig, bytes)));
      await Promise.all(bodies.map((bytes, at) => writeFile(join(folder.path, `made-${at}`), bytes)));
      const pinned: PinnedFile[] = [];
      for (let step = 0; step < 400; step++) {
        const at = random.below(bodies.length);
        const [ref, bytes] = [refs[at] as ArtifactRef, bodies[at] as Buffer];
        const doing = random.below(6);
        if (doing === 0) await rig.cache.adopt('pack', ref, join(folder.path, `made-${at}`));
        else if (doing === 1) await rm(join(artifacts(), ref.digest.slice(0, 2)), { recursive: true, force: true });
        else if (doing === 2) pinned.splice(random.below(pinned.length + 1), 1)[0]?.release();
        else {
          const { file, result } = await rig.cache.take(ID, 'pack', ref, (path) => readFile(path));
          expect(result).toEqual(bytes);
          if (doing === 3 && pinned.length < 3) pinned.push(file);
          else file.release();
        }
      }
      for (const file of pinned) file.release();
      // Whatever has gone is noticed by its next user.
      for (const ref of refs) await use(rig.cache, ref);
      const names = await filesBelow(artifacts());
      const sizes = names.map((name) => refs.find(({ digest }) => name === `${digest}.pack`)?.size ?? Number.NaN);
      expect(rig.cache.bytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
      expect(rig.cache.bytes).toBeLessThanOrEqual(50);
      await rig.cache.relieve();
      expect(rig.cache.bytes).toBe(0);
    });
  });

  it('removes unused files on request', async () => {
    const rig = await rigWith();
    const kept = await rig.cache.acquire(ID, 'pack', await stored(rig, content('kept')));
    await use(rig.cache, await stored(rig, content('idle')));
    await rig.cache.relieve();
    expect(await filesBelow(join(folder.path, 'artifacts'))).toEqual([`${refOf(content('kept')).digest}.pack`]);
    await link(kept.path, join(folder.path, 'still-there'));
    kept.release();
  });

  it('serves many readers with a budget for two of eight artifacts', async () => {
    const rig = await rigWith(20);
    const refs: ArtifactRef[] = [];
    for (const name of '12345678') refs.push(await stored(rig, content(name)));
    await Promise.all(
      Array.from({ length: 40 }, async (_, reader) => {
        for (let turn = 0; turn < 10; turn++) {
          const ref = refs[rig.random.below(refs.length)] ?? refs[reader % 8];
          if (ref === undefined) throw new Error('no artifacts');
          const file = await rig.cache.acquire(ID, 'pack', ref);
          expect(sha256(await readFile(file.path))).toBe(ref.digest);
          file.release();
        }
      }),
    );
    await rig.cache.relieve();
    await expect.poll(() => filesBelow(join(folder.path, 'artifacts'))).toEqual([]);
  });
});
