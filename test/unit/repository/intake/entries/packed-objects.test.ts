/** What this process reads of a pack that git has made is what git reads of it; what is too large is left to git. */
import { describe, expect, it } from 'vitest';
import { PACKED_TREE } from '../../../../../src/git/index.ts';
import { scanPack } from '../../../../../src/repository/intake/entries/pack-entries.ts';
import { readPackedObjects } from '../../../../../src/repository/intake/entries/packed-objects.ts';
import { NO_LIMIT, readPack, treeHistory, treesOf } from '../../../../helpers/packed-trees.ts';
import { SeededRandom } from '../../../../helpers/seeded-random.ts';
import { testSeed } from '../../../../helpers/test-seed.ts';
import { RealRepository } from '../../../git/real-git.ts';

const seed = testSeed();
/** Bytes of trees that are left to git. */
const TOO_LARGE = 1024 * 1024;

/** @returns the objects that were read, in hex by id, and how many were left to git */
async function readTrees(repository: RealRepository): Promise<{ read: Map<string, string>; left: string[] }> {
  return readPack(repository, async (pack) => {
    const entries = await scanPack(pack, NO_LIMIT);
    const places = Uint32Array.from(
      [...entries.types.keys()].filter((place) => entries.types[place] === PACKED_TREE),
    );
    const idOf = (at: number) => entries.ids.at(places[at] ?? 0).toString('hex');
    const read = new Map<string, string>();
    const left = await readPackedObjects(pack, entries, places, (at, bytes, from, to) => {
      expect(read.has(idOf(at))).toBe(false);
      read.set(idOf(at), bytes.toString('hex', from, to));
    });
    expect(read.size + left.length).toBe(places.length);
    return { read, left: [...left].map(idOf) };
  });
}

describe(`trees of a pack (seed ${seed})`, () => {
  it.each([
    ['kept as differences from each other', 60, 300, ['--depth=50']],
    ['in lines of hundreds of them', 400, 4, ['--depth=4095', '--window=3']],
    ['kept whole', 40, 300, ['--window=0']],
  ])('%s are read as git reads them', async (_, commits, files, options) => {
    using repository = new RealRepository();
    const random = new SeededRandom(seed);
    repository.git(['fast-import', '--quiet', '--done'], { input: treeHistory(random, commits, files) });
    repository.git(['-c', `core.compression=${random.below(10)}`, 'repack', '-adfq', ...options]);
    const { read, left } = await readTrees(repository);
    expect(left).toEqual([]);
    expect(read).toEqual(treesOf(repository));
  });

  it('are left to git if they, or their bases, are too large', async () => {
    using repository = new RealRepository();
    const blob = repository.git(['hash-object', '-w', '--stdin'], { input: 'x' }).toString().trim();
    const entries = Array.from(
      { length: 40_000 },
      (_x, at) => `100644 blob ${blob}\t${String(at).padStart(6)}`,
    );
    const mktree = (lines: readonly string[]) =>
      repository
        .git(['mktree'], { input: `${lines.join('\n')}\n` })
        .toString()
        .trim();
    const large = [mktree(entries), mktree(entries.slice(1)), mktree(entries.slice(2))];
    const small = [mktree(entries.slice(0, 20)), mktree(entries.slice(1, 20))];
    expect(repository.git(['cat-file', 'tree', large[2] ?? '']).length).toBeGreaterThan(TOO_LARGE);
    repository.git(['pack-objects', '-q', 'objects/pack/pack'], {
      input: `${[...large, ...small].join('\n')}\n`,
    });
    const { read, left } = await readTrees(repository);
    expect(left.toSorted()).toEqual(large.toSorted());
    expect([...read.keys()].toSorted()).toEqual(small.toSorted());
  });
});
