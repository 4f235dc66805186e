/** What is read of a pack while it comes in changes nothing of what the check finds, whatever the pack is. */
import { createCipheriv } from 'node:crypto';
import { mkdir, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../../src/lib/clock.ts';
import { isCairnError } from '../../../../../src/lib/errors.ts';
import type { SortedIds } from '../../../../../src/lib/sorted-ids.ts';
import { GrowingPack } from '../../../../../src/repository/intake/bounds/pack-watch.ts';
import { EarlyEntries } from '../../../../../src/repository/intake/entries/early-entries.ts';
import {
  type PackEntries,
  type ScannedPack,
  scanPack,
} from '../../../../../src/repository/intake/entries/pack-entries.ts';
import { HeightBounds } from '../../../../../src/repository/intake/heights/height-bounds.ts';
import { HeightMemory, type Reach } from '../../../../../src/repository/intake/heights/height-memory.ts';
import { EarlyReader } from '../../../../../src/repository/intake/indexing/early-reader.ts';
import { EarlyCommits } from '../../../../../src/repository/intake/plain/early-commits.ts';
import { NO_LIMIT, readPack, treeHistory, treesOf } from '../../../../helpers/packed-trees.ts';
import { SeededRandom } from '../../../../helpers/seeded-random.ts';
import { tempDir } from '../../../../helpers/temp-dir.ts';
import { testSeed } from '../../../../helpers/test-seed.ts';
import { RealRepository } from '../../../git/real-git.ts';

const seed = testSeed();
const MOST: Reach = { height: 256, bytes: 2 ** 25 };

interface Scan {
  readonly entries: PackEntries;
  readonly within: (limit: Reach) => Promise<boolean>;
  /** Whether what was read early is where git says that entries are. */
  readonly isUsed: boolean;
}

async function scan(pack: ScannedPack, begun: EarlyEntries | undefined): Promise<Scan> {
  let bounds: HeightBounds | undefined;
  let isUsed = false;
  const listen = async (ids: SortedIds, trees: Uint32Array | undefined) => {
    isUsed = trees !== undefined;
    const heard = trees === undefined ? undefined : begun?.bounds;
    bounds = heard ?? new HeightBounds(ids.idLength, new HeightMemory());
    bounds.allow(pack.size);
    await bounds.know(ids, trees ?? new Uint32Array(0));
    return bounds;
  };
  const entries = await scanPack(pack, NO_LIMIT, { begun, listen });
  return { entries, isUsed, within: async (limit) => (await bounds?.within(limit, entries.types)) === true };
}

/** Reads a pack that comes in pieces of any size. */
function readIn(bytes: Buffer, random: SeededRandom): EarlyEntries {
  const early = new EarlyEntries(20, new HeightMemory());
  for (let came = 0; came < bytes.length && !early.isOver; ) {
    came = Math.min(bytes.length, came + 1 + random.below(40_000));
    while (!early.isOver && early.take(bytes.subarray(early.position, came)));
  }
  return early;
}

const bytesOf = (pack: ScannedPack) => pack.read(0, pack.size);

/** The same entries, and the same answers for limits around what the trees have. */
async function mustAgree(pack: ScannedPack, early: EarlyEntries): Promise<Scan> {
  const [with_, without] = [await scan(pack, early), await scan(pack, undefined)];
  for (const field of ['types', 'sizes', 'bases', 'order', 'offsets'] as const)
    expect(with_.entries[field], field).toEqual(without.entries[field]);
  for (let height = 1; height <= 6; height++) {
    const limit = { ...MOST, height };
    expect(await with_.within(limit), `height ${height}`).toBe(await without.within(limit));
  }
  for (const bytes of [100, 1_000, 3_000, 10_000]) {
    const limit = { ...MOST, bytes };
    expect(await with_.within(limit), `${bytes} bytes`).toBe(await without.within(limit));
  }
  return with_;
}

describe(`trees that are read during the arrival of a pack (seed ${seed})`, () => {
  it.each([
    ['kept as deltas', ['--depth=50']],
    ['in long lines of deltas', ['--depth=400', '--window=3']],
    ['kept whole', ['--window=0']],
  ])('are all found, %s, and the check has the result of a check without them', async (_, options) => {
    using repository = new RealRepository();
    const random = new SeededRandom(seed);
    repository.git(['fast-import', '--quiet', '--done'], { input: treeHistory(random, 150, 40) });
    repository.git(['tag', 'v1', 'main']);
    repository.git(['repack', '-adfq', ...options]);
    const trees = treesOf(repository).size;
    await readPack(repository, async (pack) => {
      for (let round = 0; round < 4; round++) {
        const early = readIn(await bytesOf(pack), random);
        expect(early.count).toBe(trees);
        expect((await mustAgree(pack, early)).isUsed).toBe(true);
      }
    });
  });

  it('are mostly found if the pack has another order', async () => {
    using repository = new RealRepository();
    const random = new SeededRandom(seed);
    repository.git(['fast-import', '--quiet', '--done'], { input: treeHistory(random, 60, 20) });
    // Without a tag git writes each tree in front of what it brings.
    repository.git(['repack', '-adfq']);
    await readPack(repository, async (pack) => {
      const early = readIn(await bytesOf(pack), random);
      expect((await mustAgree(pack, early)).isUsed).toBe(true);
      expect(early.count).toBeGreaterThan(0);
    });
  });

  it('are found behind many MiB of files', async () => {
    using repository = new RealRepository();
    const random = new SeededRandom(seed);
    repository.git(['fast-import', '--quiet', '--done'], { input: treeHistory(random, 200, 40) });
    repository.git(['config', 'core.compression', '0']);
    // Bytes like those of an archive, which look like the beginning of trees now and then.
    const cipher = createCipheriv('aes-128-ctr', Buffer.from(random.hex(16), 'hex'), Buffer.alloc(16));
    const bytes = cipher.update(Buffer.alloc(20 * 2 ** 20));
    const file = repository.git(['hash-object', '-w', '--stdin'], { input: bytes }).toString().trim();
    const trees = [...treesOf(repository).keys()];
    // As in a clone: a few trees, all files, all other trees.
    const order = [...trees.slice(0, 10), file, ...trees.slice(10)].join('\n');
    const packs = join(repository.path, 'objects/pack');
    const before = await readdir(packs);
    repository.git(['pack-objects', '--quiet', '--window=0', join(packs, 'pack')], { input: `${order}\n` });
    for (const name of before) await rm(join(packs, name));
    await readPack(repository, async (pack) => {
      const early = readIn(await bytesOf(pack), random);
      expect(early.count).toBeGreaterThan(10);
      expect((await scan(pack, early)).isUsed).toBe(true);
    });
  });

  it('do not count if a commit only contains something that looks like one', async () => {
    using repository = new RealRepository();
    const random = new SeededRandom(seed);
    const fake = Buffer.concat([Buffer.from('100644 a\0', 'latin1'), Buffer.from(random.hex(20), 'hex')]);
    const entry = Buffer.concat([
      Buffer.from([0xa0 | (fake.length & 15), fake.length >> 4]),
      deflateSync(fake),
    ]);
    // Stored, not deflated, so that the bytes of the entry are in the pack as they are.
    repository.git(['config', 'core.compression', '0']);
    repository.git(['config', 'pack.compression', '0']);
    const head = 'commit refs/heads/trap\ncommitter A <a@example.com> 1 +0000\n';
    repository.git(['fast-import', '--quiet', '--done'], {
      input: Buffer.concat([
        Buffer.from(`${head}data ${entry.length}\n`),
        entry,
        Buffer.from(`\n${treeHistory(random, 30, 10)}`),
      ]),
    });
    repository.git(['repack', '-adfq']);
    await readPack(repository, async (pack) => {
      const bytes = await bytesOf(pack);
      expect(bytes.includes(entry)).toBe(true);
      const early = readIn(bytes, random);
      // At least this one; the real ones come behind it.
      expect(early.count).toBeGreaterThan(0);
      expect((await mustAgree(pack, early)).isUsed).toBe(false);
    });
  });

  it('end at damage in the pack, without an error', async () => {
    using repository = new RealRepository();
    const random = new SeededRandom(seed);
    repository.git(['fast-import', '--quiet', '--done'], { input: treeHistory(random, 60, 20) });
    repository.git(['tag', 'v1', 'main']);
    repository.git(['repack', '-adfq']);
    await readPack(repository, async (pack) => {
      const whole = await bytesOf(pack);
      for (let round = 0; round < 60; round++) {
        const bytes = Buffer.from(whole);
        for (let change = random.below(4); change >= 0; change--)
          bytes[12 + random.below(bytes.length - 12)] = random.below(256);
        const early = readIn(bytes.subarray(0, 1 + random.below(bytes.length)), random);
        expect(early.count).toBeLessThan(pack.idx.objects);
        // The pack that git has taken in is another one: what was read may count only as far as it is the same.
        const scanned = await scan(pack, early).catch((error: unknown) => {
          if (!isCairnError(error, 'corrupt')) throw error;
        });
        if (scanned?.isUsed === false) expect(await scanned.within(MOST)).toBe(true);
      }
    });
  });

  it('are read beside git, up to the received bytes and not beyond the end', async () => {
    using repository = new RealRepository();
    const random = new SeededRandom(seed);
    repository.git(['fast-import', '--quiet', '--done'], { input: treeHistory(random, 150, 40) });
    repository.git(['tag', 'v1', 'main']);
    repository.git(['repack', '-adfq']);
    const trees = treesOf(repository).size;
    await readPack(repository, async (pack) => {
      const bytes = await bytesOf(pack);
      let came = 0;
      const growing = {
        read: async (position: number, length: number) =>
          bytes.subarray(position, Math.min(position + length, came)),
      };
      const early = new EarlyEntries(20, new HeightMemory());
      let isRead = false;
      // Git writes the checksum at the end when it is done.
      const size = bytes.length - 20;
      const reader = new EarlyReader(early, growing, size, systemClock, () => {
        isRead = true;
      });
      while (came < size) {
        await new Promise((resolve) => setImmediate(resolve));
        came = Math.min(size, came + 10_000);
      }
      // It is over by itself when nothing more can come, and not before it has read all trees.
      await expect.poll(() => isRead, { timeout: 20_000 }).toBe(true);
      expect(early.count).toBe(trees);
      await reader.end();
      expect((await mustAgree(pack, early)).isUsed).toBe(true);

      const stopped = new EarlyReader(new EarlyEntries(20, new HeightMemory()), growing, size, systemClock);
      await stopped.end();
    });
  });
});

describe('trees beyond 4 GiB', () => {
  it('are not taken for others at the beginning of the pack', () => {
    const content = Buffer.concat([Buffer.from('100644 a\0'), Buffer.alloc(20, 1)]);
    // The header of a tree of 29 bytes.
    const entry = Buffer.concat([Buffer.from([0xa0 | 13, 1]), deflateSync(content)]);
    const bytes = Buffer.concat([Buffer.alloc(10), entry, entry, Buffer.alloc(20_000)]);
    for (const [start, count] of [
      [0, 2],
      [2 ** 32 - 11, 1],
      [2 ** 32 - 10, 0],
      [2 ** 32, 0],
      [2 ** 33, 0],
    ] as const) {
      // So many bytes of commits come before.
      const commits = new EarlyCommits(20);
      commits.read = () => {
        commits.isOver = true;
        return start;
      };
      const early = new EarlyEntries(20, new HeightMemory(), commits);
      expect(early.take(bytes)).toBe(true);
      for (let turn = 0; turn < 3 && !early.isOver; turn++)
        early.take(bytes.subarray(early.position - start));
      expect(early.count, `from ${start}`).toBe(count);
      if (count < 2) expect(early.isOver).toBe(true);
    }
  });
});

describe('a pack that is read during git’s work', () => {
  it('and cannot be read ends no process before somebody waits for it', async () => {
    const broken = { read: () => Promise.reject(new Error('the disk does not answer')) };
    const entries = new EarlyEntries(20, new HeightMemory());
    const reader = new EarlyReader(entries, broken, 1_000, systemClock);
    // Long enough for Node to look for rejections that nobody has heard of.
    await new Promise((resolve) => setTimeout(resolve, 20));
    await expect(reader.end()).rejects.toThrow('the disk does not answer');
  });

  it('is opened once for all concurrent callers, and may disappear between look and open', async () => {
    await using folder = await tempDir();
    await mkdir(join(folder.path, 'pack'));
    const pack = new GrowingPack(folder.path);
    expect(await pack.read(0, 10)).toHaveLength(0);
    // A name without a file, as when git is done between the two.
    await symlink(join(folder.path, 'gone'), join(folder.path, 'pack', 'tmp_pack_1'));
    expect(await pack.read(0, 10)).toHaveLength(0);
    await writeFile(join(folder.path, 'gone'), 'PACK and so on');
    const all = await Promise.all(Array.from({ length: 20 }, () => pack.read(0, 4)));
    expect(all.map(String)).toEqual(Array.from({ length: 20 }, () => 'PACK'));
    expect(await openBelow(folder.path)).toHaveLength(1);
    await pack.close();
    expect(await openBelow(folder.path)).toEqual([]);
  });
});

/** The files in a folder that this process has open. Others of its files may be opened and closed at any time. */
async function openBelow(folder: string): Promise<string[]> {
  const targets = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  );
  return targets.filter((target) => target.startsWith(folder));
}
