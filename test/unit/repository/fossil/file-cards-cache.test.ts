import { describe, expect, it } from 'vitest';
import { writeFileCards } from '../../../../src/repository/fossil/file-cards.ts';
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
    const [one, other] = await Promise.all([cache.of(bag, 0, 1_000), cache.of(bag, 0, 1_000)]);
    expect(other).toBe(one);
    expect(await cache.of(bag, 0, 1_000)).toBe(one);
    expect(one).toEqual(await writeFileCards(bag, 0, 1_000));
  });

  it('are those of the state that is asked for, as each begins and ends', async () => {
    const rig = await rigWith(3);
    const [cache, before] = [new FileCardsCache(100_000), await rig.bag()];
    await cache.of(before, 0, 100_000);
    await rig.push([whole('one more')]);
    const now = await rig.bag();
    expect((await cache.of(now, 0, 100_000)).files).toBe(4);
    expect((await cache.of(before, 0, 100_000)).files).toBe(3);
    expect((await cache.of(before, 0, 1)).files).toBe(1);
    expect((await cache.of(before, 2, 100_000)).files).toBe(1);
  });

  it('take no more memory than they may, and large ones are not kept', async () => {
    const bag = await (await rigWith(30)).bag();
    const cache = new FileCardsCache(2_000);
    for (let from = 0; from < bag.count; from++) {
      await cache.of(bag, from, 1);
      expect(cache.bytes).toBeLessThanOrEqual(2_000);
    }
    const kept = cache.bytes;
    expect(kept).toBeGreaterThan(0);
    expect((await cache.of(bag, 0, 1_000_000)).files).toBe(30);
    expect(cache.bytes).toBe(kept);
  });
});
