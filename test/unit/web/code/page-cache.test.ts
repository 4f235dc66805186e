import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/lib/clock.ts';
import { PageCache, pageKey } from '../../../../src/web/code/page-cache.ts';
import { PageDisk } from '../../../../src/web/code/page-disk.ts';
import { takesGzip } from '../../../../src/web/page-answer.ts';
import { ManualClock } from '../../../helpers/manual-clock.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { type TempDir, tempDir } from '../../../helpers/temp-dir.ts';

let folder: TempDir;
beforeAll(async () => {
  folder = await tempDir('cairn-pages');
});
afterAll(() => folder[Symbol.asyncDispose]());

/** Text that does not shrink much. */
const text = (seed: number, size: number) => new SeededRandom(seed).hex(size / 2);

describe('cached pages', () => {
  it('are made once for concurrent visitors, and again after a failure', async () => {
    const cache = new PageCache(1_000_000, systemClock);
    let made = 0;
    const make = async () => `page ${++made}`;
    const all = await Promise.all(Array.from({ length: 10 }, () => cache.page(pageKey(['a']), make)));
    expect(new Set(all.map(({ body }) => body.toString()))).toEqual(new Set(['page 1']));
    await expect(cache.page(pageKey(['b']), () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect((await cache.page(pageKey(['b']), make)).body.toString()).toBe('page 2');
  });

  it('that a time limit has shortened are made again after a minute, and not stored on disk', async () => {
    const clock = new ManualClock();
    const disk = new PageDisk({ folder: join(folder.path, 'cut'), budget: 1_000_000 });
    await disk.open();
    const cache = new PageCache(1_000_000, clock, disk);
    let made = 0;
    const page = async (isCut: boolean) =>
      (
        await cache.page(pageKey([1]), async (onCut) => {
          if (isCut) onCut();
          return `page ${++made}`;
        })
      ).body.toString();
    expect([await page(true), await page(true)]).toEqual(['page 1', 'page 1']);
    await disk.settled();
    expect(disk.size).toBe(0);
    await clock.advance(60_000);
    expect([await page(false), await page(false)]).toEqual(['page 2', 'page 2']);
    await clock.advance(60_000);
    expect(await page(false)).toBe('page 2');
    await disk.close();
  });

  it('that were removed from memory are read from disk', async () => {
    const disk = new PageDisk({ folder: join(folder.path, 'leave'), budget: 1_000_000 });
    await disk.open();
    const cache = new PageCache(25_000, systemClock, disk);
    let made = 0;
    const page = (at: number) =>
      cache.page(pageKey([at]), async () => {
        made++;
        return text(at, 10_000);
      });
    for (let at = 0; at < 10; at++) {
      await page(at);
      await expect.poll(async () => (await readdir(join(folder.path, 'leave'))).length).toBe(at + 1);
    }
    const digests = new Set<string>();
    for (let at = 0; at < 10; at++) {
      const { body, digest } = await page(at);
      expect(body.toString()).toBe(text(at, 10_000));
      digests.add(digest);
    }
    expect([made, digests.size]).toEqual([10, 10]);
    await disk.close();
  });

  it('that are damaged on disk or missing from it are made again', async () => {
    const at = join(folder.path, 'damage');
    const disk = new PageDisk({ folder: at, budget: 1_000_000 });
    await disk.open();
    const cache = new PageCache(1, systemClock, disk);
    const make = async () => 'whole';
    await cache.page(pageKey([1]), make);
    await cache.page(pageKey([2]), make);
    await expect.poll(async () => (await readdir(at)).length).toBe(1 + 1);
    for (const name of await readdir(at)) await writeFile(join(at, name), 'damaged');
    expect((await cache.page(pageKey([1]), make)).body.toString()).toBe('whole');
    await disk.relieve();
    expect([disk.size, await readdir(at)]).toEqual([0, []]);
    expect((await cache.page(pageKey([2]), make)).body.toString()).toBe('whole');
    await disk.close();
  });
});

describe('the cache on disk', () => {
  it('makes its folder again if somebody deletes it', async () => {
    const at = join(folder.path, 'deleted');
    const disk = new PageDisk({ folder: at, budget: 1_000_000 });
    await disk.open();
    const cache = new PageCache(1, systemClock, disk);
    let made = 0;
    const page = async (number: number) => {
      await cache.page(pageKey([number]), async () => `page ${++made}`);
      await disk.settled();
    };
    await page(1);
    await rm(at, { recursive: true });
    for (let time = 0; time < 2; time++) for (const number of [1, 2]) await page(number);
    expect(made).toBe(3);
    expect(await readdir(at)).toHaveLength(2);
    expect((await stat(at)).mode & 0o777).toBe(0o700);
    await disk.close();
  });

  it('stays within its budget, and keeps the pages read last', async () => {
    const at = join(folder.path, 'budget');
    const disk = new PageDisk({ folder: at, budget: 40_000 });
    await disk.open();
    const cache = new PageCache(1, systemClock, disk);
    let made: number[] = [];
    const page = async (number: number) => {
      await cache.page(pageKey([number]), async () => {
        made.push(number);
        return text(number, 10_000);
      });
      await disk.settled();
    };
    for (let number = 0; number < 20; number++) {
      await page(number);
      await page(0);
    }
    expect(disk.size).toBeGreaterThan(20_000);
    expect(disk.size).toBeLessThanOrEqual(40_000);
    expect(made.filter((number) => number === 0)).toHaveLength(1);
    made = [];
    await page(1);
    expect(made).toEqual([1]);
    await disk.close();
  });

  it('does not affect a page if it fails', async () => {
    const at = join(folder.path, 'none');
    const disk = new PageDisk({ folder: at, budget: 1_000_000 });
    // A file in the way: nothing can be written.
    await writeFile(at, '');
    const cache = new PageCache(1, systemClock, disk);
    for (let time = 0; time < 3; time++) {
      expect((await cache.page(pageKey([1]), async () => 'page')).body.toString()).toBe('page');
      await disk.settled();
    }
    expect(disk.size).toBe(0);
    await disk.close();
  });
});

describe('the encoding for Accept-Encoding', () => {
  it.each([
    [undefined, false],
    ['', false],
    ['gzip', true],
    ['gzip, deflate, br, zstd', true],
    ['br;q=1.0, gzip;q=0.8, *;q=0.1', true],
    ['*', true],
    ['GZIP', true],
    ['gzip;q=0', false],
    ['gzip; q=0.000, *', false],
    ['identity', false],
    ['x-gzipped', false],
    ['gzip;q=nonsense', false],
  ])('%s: %s', (header, taken) => {
    expect(takesGzip(header)).toBe(taken);
  });
});
