/** What a small pack would be unpacked to is known before git is started, whatever it is made of. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { forecastPack } from '../../../../../src/repository/intake/bounds/pack-forecast.ts';
import { appendDelta, CraftedPack, repeatDelta } from '../../../../helpers/craft-pack.ts';
import { SeededRandom } from '../../../../helpers/seeded-random.ts';
import { testSeed } from '../../../../helpers/test-seed.ts';

const seed = testSeed();
const MIB = 2 ** 20;
const LIMIT = {
  objectBytes: 16 * MIB,
  unpackedBytes: 256 * MIB,
  linkingBytes: 16 * MIB,
  setting: '--anonymous-pushes',
};
const FORESIGHT = { entries: 2_000, bytes: 4 * MIB };
const blob = (content: Buffer) => ({ type: 'blob', content }) as const;

function forecast(pack: CraftedPack, bytes = pack.bytes(), idLength = 20, foresight = FORESIGHT) {
  return forecastPack({ bytes, objects: pack.count, idLength }, LIMIT, foresight);
}

describe('a pack that would unpack to too much (issue 11, point 3)', () => {
  it('is refused for copies of copies', async () => {
    const pack = new CraftedPack();
    const small = pack.whole(blob(Buffer.alloc(1_000)));
    const medium = pack.offsetDelta(small, repeatDelta(1_000, 2_000));
    pack.offsetDelta(medium, repeatDelta(2_000_000, 1_073));
    expect(await forecast(pack)).toBe(
      'an object of 2146000000 bytes is larger than 16 MiB, the most that one object may have here (--anonymous-pushes)',
    );
  });

  it('is refused for copies of published objects, in either format', async () => {
    for (const [format, idLength] of [
      ['sha1', 20],
      ['sha256', 32],
    ] as const) {
      const pack = new CraftedPack(format);
      pack.refDelta('1'.repeat(2 * idLength), repeatDelta(MIB, 100));
      expect(await forecast(pack, pack.bytes(), idLength)).toContain('104857600 bytes is larger');
    }
  });

  it('is refused for zeros by their declared size, without inflating them', async () => {
    const pack = new CraftedPack();
    pack.whole(blob(Buffer.alloc(17 * MIB)));
    expect(await forecast(pack)).toContain('17825792 bytes is larger');
    const lying = new CraftedPack();
    lying.whole(blob(Buffer.alloc(10)), 2 ** 40);
    expect(await forecast(lying)).toContain('1099511627776 bytes is larger');
  });

  it.each(['whole', 'offset', 'ref'])(
    'is refused for many objects that each are within the bound (%s)',
    async (how) => {
      const pack = new CraftedPack();
      const base = pack.whole(blob(Buffer.alloc(1_000)));
      if (how === 'whole') {
        // What is inflated of the pack is bounded, too: it ends at the first object that is larger than what is left of that.
        for (let at = 0; at < 4_000; at++) pack.whole(blob(Buffer.alloc(1_000, at)));
        const limit = { ...LIMIT, unpackedBytes: MIB };
        const question = { bytes: pack.bytes(), objects: pack.count, idLength: 20 };
        expect(await forecastPack(question, limit, FORESIGHT)).toMatch(
          /^the pack unpacks to more than 1 MiB/,
        );
        return;
      }
      for (let at = 0; at < 1_000; at++) {
        const delta = repeatDelta(1_000, 15_000 + at).subarray(0, 40);
        if (how === 'offset') pack.offsetDelta(base, delta);
        else pack.refDelta('1'.repeat(40), delta);
      }
      expect(await forecast(pack)).toBe(
        'the pack unpacks to more than 256 MiB, the most that one of its size may without a key that may write here',
      );
    },
  );

  it(`is refused with the bomb at any position among harmless objects (seed ${seed})`, async () => {
    const random = new SeededRandom(seed);
    for (let round = 0; round < 20; round++) {
      const pack = new CraftedPack();
      const objects = 1 + random.below(100);
      const bomb = random.below(objects);
      for (let at = 0; at < objects; at++) {
        const content =
          random.below(2) === 0 ? randomBytes(random.below(3_000)) : Buffer.alloc(random.below(20_000), at);
        const base = pack.whole(blob(content));
        if (random.below(3) === 0) pack.offsetDelta(base, appendDelta(content.length, Buffer.from('more')));
        if (at === bomb) pack.refDelta('1'.repeat(40), repeatDelta(MIB, 17));
      }
      expect(await forecast(pack), `seed ${seed}, round ${round}`).toMatch(
        /^an object of \d+ bytes is larger/,
      );
      const without = new CraftedPack();
      for (let at = 0; at < objects; at++) without.whole(blob(randomBytes(random.below(3_000))));
      expect(await forecast(without), `seed ${seed}, round ${round}`).toBeUndefined();
    }
  });

  it('is left to git if it is damaged, ends early, or exceeds the inspected part', async () => {
    const pack = new CraftedPack();
    for (let at = 0; at < 20; at++) pack.whole(blob(randomBytes(100)));
    pack.whole(blob(Buffer.alloc(17 * MIB)));
    const bytes = pack.bytes();
    expect(await forecast(pack, bytes, 20, { entries: 20, bytes: MIB })).toBeUndefined();
    expect(await forecast(pack, bytes, 20, { entries: 2_000, bytes: 500 })).toBeUndefined();
    for (let length = 12; length < 1_000; length += 7) {
      expect(await forecast(pack, bytes.subarray(0, length))).toBeUndefined();
    }
    const random = new SeededRandom(seed);
    for (let round = 0; round < 300; round++) {
      const damaged = Buffer.from(bytes);
      for (let hits = 0; hits < 3; hits++) damaged[12 + random.below(2_000)] = random.below(256);
      await forecast(pack, damaged);
    }
  });
});
