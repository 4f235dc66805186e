import { describe, expect, it } from 'vitest';
import { fileCards, writeFileCards } from '../../../../src/repository/fossil/file-cards.ts';
import { FileCardsCache } from '../../../../src/repository/fossil/file-cards-cache.ts';
import { FossilRig, lines, whole } from '../../../helpers/fossil-rig.ts';

async function rigWith(count: number): Promise<FossilRig> {
  const rig = await new FossilRig().create();
  await rig.push(Array.from({ length: count }, (_, at) => whole(lines(10 * at, 20))));
  return rig;
}

describe('kept cards (issue 14, speed of clones)', () => {
  it('are one copy for all clones of a state that ask at once, and later', async () => {
    const bag = await (await rigWith(3)).bag();
    const cache = new FileCardsCache(100_000);
    const [one, other] = await Promise.all([
      fileCards(bag, 0, 1_000, cache),
      fileCards(bag, 0, 1_000, cache),
    ]);
    expect(other).toBe(one);
    expect(await fileCards(bag, 0, 1_000, cache)).toBe(one);
    expect(one).toEqual(await writeFileCards(bag, 0, 1_000));
  });

  it('are those of the state that is asked for, as each begins and ends', async () => {
    const rig = await rigWith(3);
    const [cache, before] = [new FileCardsCache(100_000), await rig.bag()];
    await fileCards(before, 0, 100_000, cache);
    await rig.push([whole('one more')]);
    const now = await rig.bag();
    expect((await fileCards(now, 0, 100_000, cache)).files).toBe(4);
    expect((await fileCards(before, 0, 100_000, cache)).files).toBe(3);
    expect((await fileCards(before, 0, 1, cache)).files).toBe(1);
    expect((await fileCards(before, 2, 100_000, cache)).files).toBe(1);
  });

  it('take no more memory than they may, and large ones are not kept', async () => {
    const bag = await (await rigWith(30)).bag();
    const cache = new FileCardsCache(2_000);
    for (let from = 0; from < bag.count; from++) {
      await fileCards(bag, from, 1, cache);
      expect(cache.bytes).toBeLessThanOrEqual(2_000);
    }
    const kept = cache.bytes;
    expect(kept).toBeGreaterThan(0);
    expect((await fileCards(bag, 0, 1_000_000, cache)).files).toBe(30);
    expect(cache.bytes).toBe(kept);
  });
});
