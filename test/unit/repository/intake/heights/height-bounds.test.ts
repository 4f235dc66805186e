/** Upper bounds of heights and weights are never too small, and good enough for ordinary histories. */
import { describe, expect, it } from 'vitest';
import { eachSubtree } from '../../../../../src/git/index.ts';
import type { SortedIds } from '../../../../../src/lib/sorted-ids.ts';
import { type ScannedPack, scanPack } from '../../../../../src/repository/intake/entries/pack-entries.ts';
import { HeightBounds } from '../../../../../src/repository/intake/heights/height-bounds.ts';
import { HeightMemory, type Reach } from '../../../../../src/repository/intake/heights/height-memory.ts';
import { NO_LIMIT, readPack, treeHistory, treesOf } from '../../../../helpers/packed-trees.ts';
import { SeededRandom } from '../../../../helpers/seeded-random.ts';
import { testSeed } from '../../../../helpers/test-seed.ts';
import { RealRepository } from '../../../git/real-git.ts';

const seed = testSeed();
const MOST: Reach = { height: 256, bytes: 2 ** 25 };

/** @returns true where bounds show that all trees are within a limit */
async function within(pack: ScannedPack, limit: Reach, memory = new HeightMemory()): Promise<boolean> {
  let bounds: HeightBounds | undefined;
  const listen = async (ids: SortedIds) => {
    bounds = new HeightBounds(ids.idLength, memory);
    bounds.allow(pack.size);
    await bounds.know(ids, new Uint32Array(0));
    return bounds;
  };
  const { types } = await scanPack(pack, NO_LIMIT, { begun: undefined, listen });
  return (await bounds?.within(limit, types)) === true;
}

/** The highest and the heaviest tree of all. */
function reachOf(trees: ReadonlyMap<string, string>): Reach {
  const known = new Map<string, Reach>();
  const look = (id: string): Reach => {
    const met = known.get(id);
    if (met !== undefined) return met;
    const content = Buffer.from(trees.get(id) ?? '', 'hex');
    let [height, bytes] = [0, 0];
    eachSubtree(content, 20, (_, at) => {
      const below = look(content.toString('hex', at, at + 20));
      height = Math.max(height, below.height);
      bytes = Math.max(bytes, below.bytes);
    });
    const reach = { height: height + 1, bytes: bytes + content.length };
    known.set(id, reach);
    return reach;
  };
  const all = [...trees.keys()].map(look);
  return {
    height: Math.max(...all.map(({ height }) => height)),
    bytes: Math.max(...all.map(({ bytes }) => bytes)),
  };
}

describe(`upper bounds of heights (seed ${seed})`, () => {
  it.each([
    ['kept as deltas', ['--depth=50']],
    ['in long lines of deltas', ['--depth=400', '--window=3']],
    ['kept whole', ['--window=0']],
  ])('of trees %s are never too low, and not far too high', async (_, options) => {
    using repository = new RealRepository();
    const random = new SeededRandom(seed);
    repository.git(['fast-import', '--quiet', '--done'], { input: treeHistory(random, 120, 40) });
    repository.git(['repack', '-adfq', ...options]);
    const most = reachOf(treesOf(repository));
    await readPack(repository, async (pack) => {
      expect(await within(pack, MOST)).toBe(true);
      expect(await within(pack, { ...MOST, height: most.height - 1 })).toBe(false);
      expect(await within(pack, { ...MOST, bytes: most.bytes - 1 })).toBe(false);
      // Nothing is added to a tree that is kept whole.
      if (options.includes('--window=0')) expect(await within(pack, most)).toBe(true);
    });
  });

  it('include remembered trees that are not in the pack, and are absent if those do not suffice', async () => {
    using repository = new RealRepository();
    const random = new SeededRandom(seed);
    const input = treeHistory(random, 40, 4);
    repository.git(['fast-import', '--quiet', '--done'], { input });
    const top = repository.git(['rev-parse', 'main^{tree}']).toString().trim();
    // A tree that is in no pack with those that it links to.
    const above = repository
      .git(['mktree', '--missing'], { input: `040000 tree ${top}\td\n` })
      .toString()
      .trim();
    repository.git(['prune-packed']);
    using alone = new RealRepository();
    alone.git(['mktree', '--missing'], { input: `040000 tree ${top}\td\n` });
    alone.git(['pack-objects', '-q', 'objects/pack/pack'], { input: `${above}\n` });
    await readPack(alone, async (pack) => {
      expect(await within(pack, MOST)).toBe(false);
      const memory = new HeightMemory();
      memory.set(top, { height: 255, bytes: 1_000, atMost: true });
      expect(await within(pack, MOST, memory)).toBe(true);
      expect(await within(pack, { ...MOST, height: 255 }, memory)).toBe(false);
      expect(await within(pack, { ...MOST, bytes: 1_000 }, memory)).toBe(false);
    });
  });
});
