/** Large files that nobody changes any more: the store keeps them instead of a copy. */
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readAll } from '../../../../src/lib/streams.ts';
import { FileObjectStore } from '../../../../src/object-store/file/file.ts';
import { openFileStore } from '../../../../src/object-store/file/open-file-store.ts';
import { describeFile, seesFile } from '../../../../src/object-store/file/store-wire.ts';
import type { FileRange, ObjectStore } from '../../../../src/object-store/object-store.ts';
import { tempDir } from '../../../helpers/temp-dir.ts';

const create = { mode: 'create' } as const;
const BYTES = 1024 * 1024 + 17;
const KEY = 'v1/a.pack';
const KEPT = 'a.pack@bare';
const COPIED = 'a.pack@';

async function finalFile(path: string, fill = 'f', length = BYTES): Promise<FileRange> {
  await writeFile(path, Buffer.alloc(length, fill));
  return { path, offset: 0, length, final: true };
}

async function bodyOf(store: ObjectStore, key: string): Promise<Buffer> {
  const found = await store.get(key);
  if (!found.found) throw new Error(`${key} is not there`);
  return readAll(found.body, 2 * BYTES);
}

function namesIn(root: string): Promise<string[]> {
  return readdir(join(root, 'objects', 'v1'));
}

describe('a final file', () => {
  it('is linked without copying a byte, and needs only its own fsync and that of the folder', async () => {
    await using folder = await tempDir();
    const synced: string[] = [];
    const store = await FileObjectStore.open(folder.path, {
      fsync: async (handle) => {
        synced.push((await handle.stat()).isDirectory() ? 'folder' : 'file');
        await handle.sync();
      },
    });
    await store.put('v1/other', Buffer.from('makes the folder'), create);
    const body = await finalFile(join(folder.path, 'source'));
    synced.length = 0;
    const written = await store.put(KEY, body, create);
    expect(synced).toEqual(['file', 'folder']);
    const { ino } = await stat(body.path);
    expect((await stat(join(folder.path, 'objects', 'v1', KEPT))).ino).toBe(ino);
    expect(await readdir(join(folder.path, 'tmp'))).toEqual([]);
    await store.close();

    const next = await FileObjectStore.open(folder.path);
    const head = await next.head(KEY);
    expect({ outcome: 'written', version: head.found && head.version }).toEqual(written);
    await rm(body.path);
    expect(await bodyOf(next, KEY)).toEqual(Buffer.alloc(BYTES, 'f'));
  });

  it('is named to readers, who may link to it, as other objects are not', async () => {
    await using folder = await tempDir();
    const store = await FileObjectStore.open(folder.path);
    const body = await finalFile(join(folder.path, 'source'));
    await store.put(KEY, body, create);
    await store.put('v1/copied', Buffer.alloc(BYTES, 'c'), create);
    const [kept, copied] = [await store.get(KEY), await store.get('v1/copied')];
    if (!kept.found || !copied.found || kept.file === undefined) throw new Error('it names no file');
    expect(copied.file).toBeUndefined();
    expect((await stat(kept.file)).ino).toBe((await stat(body.path)).ino);
    kept.body.destroy();
    copied.body.destroy();
    await store.close();
  });

  it('is copied if it is small, a part of a body, without a create condition, or on another file system', async () => {
    await using folder = await tempDir();
    const store = await FileObjectStore.open(folder.path);
    const path = join(folder.path, 'source');
    const body = await finalFile(path);
    await store.put('v1/small', await finalFile(join(folder.path, 'small'), 's', 1000), create);
    await store.put('v1/part', { ...body, offset: 1, length: BYTES - 1 }, create);
    await store.put('v1/beginning', { ...body, length: BYTES - 1 }, create);
    await store.put('v1/overwritten', body, { mode: 'overwrite' });
    await store.put('v1/not-final', { path, offset: 0, length: BYTES }, create);
    const elsewhere = await mkdtemp('/dev/shm/cairn-final-');
    try {
      await store.put('v1/elsewhere', await finalFile(join(elsewhere, 'source'), 'e'), create);
    } finally {
      await rm(elsewhere, { recursive: true });
    }
    const names = await namesIn(folder.path);
    const isOtherDevice = (await stat('/dev/shm')).dev !== (await stat(folder.path)).dev;
    expect(names.filter((name) => name.endsWith('@bare'))).toEqual(isOtherDevice ? [] : ['elsewhere@bare']);
    expect(await bodyOf(store, 'v1/elsewhere')).toEqual(Buffer.alloc(BYTES, 'e'));
    expect(await bodyOf(store, 'v1/beginning')).toEqual(Buffer.alloc(BYTES - 1, 'f'));
  });

  it('is replaced by a later write, also for concurrent readers, and does not come back', async () => {
    await using folder = await tempDir();
    const store = await FileObjectStore.open(folder.path);
    for (let round = 0; round < 20; round++) {
      await store.put(KEY, await finalFile(join(folder.path, 'source')), create);
      const readers = Array.from({ length: 8 }, () => store.head(KEY));
      const overwriting = store.put(KEY, Buffer.from('new'), { mode: 'overwrite' });
      readers.push(...Array.from({ length: 8 }, () => store.head(KEY)));
      for (const head of await Promise.all(readers)) expect(head.found).toBe(true);
      await overwriting;
      expect(await namesIn(folder.path)).toEqual([COPIED]);
      expect(String(await bodyOf(store, KEY))).toBe('new');
      await store.delete(KEY);
      expect(await store.head(KEY)).toEqual({ found: false });
    }
  });

  it('is older than a file with a header if a crash has left both', async () => {
    await using folder = await tempDir();
    const store = await FileObjectStore.open(folder.path);
    await store.put(KEY, await finalFile(join(folder.path, 'source')), create);
    await store.put('v1/b.pack', Buffer.from('newer'), create);
    const at = (name: string) => join(folder.path, 'objects', 'v1', name);
    await rename(at('b.pack@'), at(COPIED));
    expect(String(await bodyOf(store, KEY))).toBe('newer');
    const listed: unknown[] = [];
    for await (const object of store.list('')) listed.push(object);
    expect(listed).toEqual([{ key: KEY, size: 5 }]);
    await store.delete(KEY);
    expect(await store.head(KEY)).toEqual({ found: false });
    expect(await readdir(join(folder.path, 'objects'))).toEqual([]);
  });

  it('leaves nothing behind if it is refused, too short, missing, not durable, or cancelled', async () => {
    await using folder = await tempDir();
    let failure: Error | undefined;
    const store = await FileObjectStore.open(folder.path, {
      fsync: async () => {
        if (failure !== undefined) throw failure;
      },
    });
    const body = await finalFile(join(folder.path, 'source'));
    failure = Object.assign(new Error('EIO: injected'), { code: 'EIO' });
    await expect(store.put(KEY, body, create)).rejects.toMatchObject({ kind: 'unavailable' });
    failure = undefined;
    await expect(store.put(KEY, { ...body, length: BYTES + 1 }, create)).rejects.toMatchObject({
      kind: 'invalid',
    });
    const gone = { ...body, path: `${body.path}-gone` };
    await expect(store.put(KEY, gone, create)).rejects.toMatchObject({ kind: 'unavailable' });
    const aborted = AbortSignal.abort(new Error('no longer wanted'));
    await expect(store.put(KEY, body, create, { signal: aborted })).rejects.toThrow('no longer wanted');
    expect(await store.head(KEY)).toEqual({ found: false });
    await store.put(KEY, Buffer.from('first'), create);
    expect(await store.put(KEY, body, create)).toEqual({ outcome: 'exists' });
    expect(String(await bodyOf(store, KEY))).toBe('first');
    expect(await readdir(join(folder.path, 'tmp'))).toEqual([]);
    expect((await stat(body.path)).nlink).toBe(1);
  });

  it('has one winner among concurrent creates', async () => {
    await using folder = await tempDir();
    const store = await FileObjectStore.open(folder.path);
    const body = await finalFile(join(folder.path, 'source'));
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => store.put(KEY, body, create)));
    expect(outcomes.filter(({ outcome }) => outcome === 'written')).toHaveLength(1);
    expect(outcomes.filter(({ outcome }) => outcome === 'exists')).toHaveLength(11);
    expect((await stat(body.path)).nlink).toBe(2);
    expect(await readdir(join(folder.path, 'tmp'))).toEqual([]);
  });

  it('is not sent by a command that borrows the store: the owner links it', async () => {
    await using folder = await tempDir();
    const owner = await openFileStore(folder.path, { onOwned: 'refuse' });
    const remote = await openFileStore(folder.path, { onOwned: 'use-owner' });
    const body = await finalFile(join(folder.path, 'source'));
    expect(await remote.store.put(KEY, body, create)).toMatchObject({ outcome: 'written' });
    expect((await stat(join(folder.path, 'objects', 'v1', KEPT))).ino).toBe((await stat(body.path)).ino);
    expect(await remote.store.put(KEY, body, create)).toEqual({ outcome: 'exists' });
    // A part of a file is sent.
    await remote.store.put('v1/beginning', { ...body, length: BYTES - 1 }, create);
    expect(await bodyOf(owner.store, 'v1/beginning')).toEqual(Buffer.alloc(BYTES - 1, 'f'));
    expect(await readdir(join(folder.path, 'tmp'))).toEqual([]);
    await remote.close();
    await owner.close();
  });

  it('is sent by a command if the owner cannot see the file at that path', async () => {
    await using folder = await tempDir();
    const body = await finalFile(join(folder.path, 'source'));
    const described = await describeFile(body.path);
    expect(await seesFile(described)).toBe(true);
    // In a container the same path may be another file, or none.
    await finalFile(join(folder.path, 'other'), 'o');
    await rename(join(folder.path, 'other'), body.path);
    expect(await seesFile(described)).toBe(false);
    await rm(body.path);
    expect(await seesFile(described)).toBe(false);
  });
});

it('does not prevent reading what an earlier version has written', async () => {
  await using folder = await tempDir();
  const store = await FileObjectStore.open(folder.path);
  await store.put(KEY, Buffer.alloc(BYTES, 'o'), create);
  expect(await namesIn(folder.path)).toEqual([COPIED]);
  const stored = await readFile(join(folder.path, 'objects', 'v1', COPIED), 'latin1');
  expect(stored.startsWith('cairn-object 1 ')).toBe(true);
  const body = await finalFile(join(folder.path, 'source'), 'o');
  expect(await store.put(KEY, body, create)).toEqual({ outcome: 'exists' });
});
