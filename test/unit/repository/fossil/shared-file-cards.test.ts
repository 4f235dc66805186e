import { describe, expect, it } from 'vitest';
import { fileCards, writeFileCards } from '../../../../src/repository/fossil/file-cards.ts';
import { SharedFileCards } from '../../../../src/repository/fossil/shared-file-cards.ts';
import { FossilRig, lines, whole } from '../../../helpers/fossil-rig.ts';

async function rigWith(count: number): Promise<FossilRig> {
  const rig = await new FossilRig().create();
  await rig.push(Array.from({ length: count }, (_, at) => whole(lines(10 * at, 20))));
  return rig;
}

describe('shared cards (issue 14, speed of clones)', () => {
  it('are one copy for concurrent clones of a state, and the same bytes later', async () => {
    const bag = await (await rigWith(3)).bag();
    const shared = new SharedFileCards();
    const [one, other] = await Promise.all([
      fileCards(bag, 0, 1_000, shared),
      fileCards(bag, 0, 1_000, shared),
    ]);
    expect(other).toBe(one);
    expect(await fileCards(bag, 0, 1_000, shared)).toEqual(one);
    expect(one).toEqual(await writeFileCards(bag, 0, 1_000));
  });

  it('belong to the requested state, at their beginning and their end', async () => {
    const rig = await rigWith(3);
    const [shared, before] = [new SharedFileCards(), await rig.bag()];
    await fileCards(before, 0, 100_000, shared);
    await rig.push([whole('one more')]);
    const now = await rig.bag();
    expect((await fileCards(now, 0, 100_000, shared)).files).toBe(4);
    expect((await fileCards(before, 0, 100_000, shared)).files).toBe(3);
    expect((await fileCards(before, 0, 1, shared)).files).toBe(1);
    expect((await fileCards(before, 2, 100_000, shared)).files).toBe(1);
  });
});
