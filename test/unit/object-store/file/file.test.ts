import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readAll } from '../../../../src/lib/streams.ts';
import { FileObjectStore } from '../../../../src/object-store/file/file.ts';
import { tempDir } from '../../../helpers/temp-dir.ts';

const body = Buffer.from('a body');
const create = { mode: 'create' } as const;

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}

/** Counts fsyncs of files and folders, and fails those it is told to. */
class FsyncSpy {
  files = 0;
  folders = 0;
  failFile: Error | undefined;
  failFolder: Error | undefined;
  milliseconds = 0;

  readonly fsync = async (handle: { stat(): Promise<{ isDirectory(): boolean }> }): Promise<void> => {
    const isFolder = (await handle.stat()).isDirectory();
    if (isFolder) this.folders++;
    else this.files++;
    await sleep(this.milliseconds);
    const failure = isFolder ? this.failFolder : this.failFile;
    if (failure !== undefined) throw failure;
  };

  reset(): void {
    this.files = 0;
    this.folders = 0;
  }
}

describe('the store on disk', () => {
  it('syncs the file, then the folder, and new folders once', async () => {
    await using folder = await tempDir();
    const spy = new FsyncSpy();
    const store = await FileObjectStore.open(folder.path, { fsync: spy.fsync });
    spy.reset();
    await store.put('v1/repo/pointer', body, create);
    expect([spy.files, spy.folders]).toEqual([1, 3]);
    spy.reset();
    await store.put('v1/repo/held', body, create);
    expect([spy.files, spy.folders]).toEqual([1, 1]);
  });

  it('shares the fsync of a folder among concurrent writes', async () => {
    await using folder = await tempDir();
    const spy = new FsyncSpy();
    const store = await FileObjectStore.open(folder.path, { fsync: spy.fsync });
    await store.put('v1/first', body, create);
    spy.reset();
    // Long beside the time by which they come apart on a busy machine.
    spy.milliseconds = 100;
    const writes = Array.from({ length: 20 }, (_, n) => store.put(`v1/${n}`, body, create));
    for (const outcome of await Promise.all(writes)) expect(outcome.outcome).toBe('written');
    expect(spy.files).toBe(20);
    expect(spy.folders).toBeLessThan(10);
    expect(spy.folders).toBeGreaterThan(0);
  });

  it.each([
    ['ENOSPC', 'full'],
    ['EDQUOT', 'full'],
    ['EROFS', 'read-only'],
  ])('reports that nothing was written if the disk fails with %s before the rename', async (code, state) => {
    await using folder = await tempDir();
    const spy = new FsyncSpy();
    const store = await FileObjectStore.open(folder.path, { fsync: spy.fsync });
    spy.failFile = systemError(code);
    await expect(store.put('k', body, create)).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining(`the disk is ${state}`),
      publicText: `the disk of the object store is ${state}`,
    });
    spy.failFile = undefined;
    expect(await store.head('k')).toEqual({ found: false });
    expect(await readdir(join(folder.path, 'tmp'))).toEqual([]);
    expect(await store.put('k', body, create)).toMatchObject({ outcome: 'written' });
  });

  it('reports an unknown outcome if the folder cannot be synced, and blocks reads until it can', async () => {
    await using folder = await tempDir();
    const spy = new FsyncSpy();
    const store = await FileObjectStore.open(folder.path, { fsync: spy.fsync });
    await store.put('v1/before', body, create);
    spy.failFolder = systemError('EIO');
    expect(await store.put('v1/after', body, create)).toMatchObject({ outcome: 'unknown' });
    await expect(store.get('v1/after')).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(store.put('v1/after', body, create)).rejects.toMatchObject({ kind: 'unavailable' });
    spy.failFolder = undefined;
    expect(await store.put('v1/after', body, create)).toEqual({ outcome: 'exists' });
    expect(await store.head('v1/after')).toMatchObject({ found: true });
  });

  it('does not show a write before it is durable', async () => {
    await using folder = await tempDir();
    const spy = new FsyncSpy();
    const store = await FileObjectStore.open(folder.path, { fsync: spy.fsync });
    await store.put('v1/warm', body, create);
    spy.milliseconds = 100;
    let answered = false;
    const write = store.put('v1/k', body, create).then(() => {
      answered = true;
    });
    while (!(await store.head('v1/k')).found) await sleep(5);
    expect(answered).toBe(true);
    await write;
  });

  it('detects a file with changed bytes', async () => {
    await using folder = await tempDir();
    const store = await FileObjectStore.open(folder.path);
    await store.put('short', Buffer.alloc(100_000), create);
    await truncate(join(folder.path, 'objects', 'short@'), 50_000);
    await expect(store.get('short')).rejects.toMatchObject({ kind: 'corrupt' });
    await writeFile(join(folder.path, 'objects', 'foreign@'), 'not written by the store');
    await expect(store.head('foreign')).rejects.toMatchObject({ kind: 'corrupt' });
  });

  it('keeps objects and removes unfinished writes when it is opened again', async () => {
    await using folder = await tempDir();
    const first = await FileObjectStore.open(folder.path);
    const written = await first.put('a/b', body, create);
    await first.close();
    await writeFile(join(folder.path, 'tmp', 'left-behind'), 'half');
    const second = await FileObjectStore.open(folder.path);
    expect(await readdir(join(folder.path, 'tmp'))).toEqual([]);
    const read = await second.get('a/b');
    if (!read.found) throw new Error('the object is gone');
    expect(written).toEqual({ outcome: 'written', version: read.version });
    expect(await readAll(read.body, 100)).toEqual(body);
  });

  it('removes folders with their last object, and makes them again during other deletions', async () => {
    await using folder = await tempDir();
    const store = await FileObjectStore.open(folder.path);
    for (let round = 0; round < 30; round++) {
      await Promise.all([
        store.put(`deep/er/a${round}`, body, create),
        store.put(`deep/er/b${round}`, body, create).then(() => store.delete(`deep/er/b${round}`)),
        round === 0 ? undefined : store.delete(`deep/er/a${round - 1}`),
      ]);
      expect((await store.head(`deep/er/a${round}`)).found).toBe(true);
    }
    await store.delete('deep/er/a29');
    expect(await readdir(join(folder.path, 'objects'))).toEqual([]);
  });

  it('names a folder that cannot be used', async () => {
    await using folder = await tempDir();
    const inTheWay = join(folder.path, 'file');
    await writeFile(inTheWay, '');
    await expect(FileObjectStore.open(inTheWay)).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining(inTheWay),
    });
  });

  it('refuses a missing or too short local file before anything is written', async () => {
    await using folder = await tempDir();
    const store = await FileObjectStore.open(folder.path);
    const path = join(folder.path, 'source');
    await expect(store.put('k', { path, offset: 0, length: 1 }, create)).rejects.toMatchObject({
      kind: 'unavailable',
    });
    await writeFile(path, 'four');
    await expect(store.put('k', { path, offset: 2, length: 3 }, create)).rejects.toMatchObject({
      kind: 'invalid',
    });
    await store.put('k', { path, offset: 2, length: 2 }, create);
    expect(String(await readFile(join(folder.path, 'objects', 'k@'))).endsWith('\nur')).toBe(true);
  });
});
