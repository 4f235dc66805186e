import { describe, expect, it } from 'vitest';
import { BufferPool } from '../../../../src/lib/buffer-pool.ts';
import { fileCards, writeFileCards } from '../../../../src/repository/fossil/file-cards.ts';
import {
  CardMemory,
  type FileCards,
  SharedFileCards,
} from '../../../../src/repository/fossil/shared-file-cards.ts';
import { FossilRig, lines, whole } from '../../../helpers/fossil-rig.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

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
    expect(other.bytes).toBe(one.bytes);
    const { bytes, files, next } = await fileCards(bag, 0, 1_000, shared);
    expect(bytes).not.toBe(one.bytes);
    expect(one).toMatchObject({ bytes, files, next });
    const memory = new CardMemory(new BufferPool({ size: 1, most: 0 }));
    expect({ bytes, files, next }).toEqual(await writeFileCards(bag, 0, 1_000, memory));
  });

  it('get their memory back when all who send them have done so, and not before', async () => {
    const bag = await (await rigWith(40)).bag();
    const shared = new SharedFileCards();
    const [one, other] = await Promise.all([fileCards(bag, 0, 1, shared), fileCards(bag, 0, 1, shared)]);
    const sent = Buffer.from(one.bytes);
    one.release();
    // A second call by the same clone is none of the other one.
    one.release();
    const next = await fileCards(bag, 1, 1, shared);
    expect(next.bytes.buffer).not.toBe(one.bytes.buffer);
    expect(Buffer.from(other.bytes)).toEqual(sent);
    other.release();
    expect((await fileCards(bag, 2, 1, shared)).bytes.buffer).toBe(one.bytes.buffer);
  });

  it('are right for any order in which clones send and release them', async () => {
    const bag = await (await rigWith(30)).bag();
    const random = new SeededRandom(7);
    const shared = new SharedFileCards();
    const memory = () => new CardMemory(new BufferPool({ size: 1, most: 0 }));
    const right = await Promise.all(
      Array.from(
        { length: bag.count },
        async (_, at) => (await writeFileCards(bag, at, 2_000, memory())).bytes,
      ),
    );
    const held: { readonly at: number; readonly cards: FileCards }[] = [];
    for (let step = 0; step < 300; step++) {
      const places = Array.from({ length: 1 + random.below(4) }, () => random.below(bag.count));
      const asked = await Promise.all(
        places.map(async (at) => ({ at, cards: await fileCards(bag, at, 2_000, shared) })),
      );
      held.push(...asked);
      for (const { at, cards } of held) expect(right[at]?.length === cards.bytes.length).toBe(true);
      while (held.length > random.below(12)) {
        const [{ at, cards } = { at: -1, cards: undefined }] = held.splice(random.below(held.length), 1);
        expect(Buffer.from(cards?.bytes ?? []).equals(right[at] ?? Buffer.alloc(0))).toBe(true);
        // Some clients go away: nobody releases what they were sent.
        if (random.below(5) > 0) cards?.release();
      }
    }
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
