/** Sizes of entries and deltas are read in the one form that git writes and every git reads. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DeltaSteps, deltaResultSize, readPackEntryHeader } from '../../../../src/git/index.ts';
import { appendDelta, entryHeader } from '../../../helpers/craft-pack.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { testSeed } from '../../../helpers/test-seed.ts';

const seed = testSeed();
const ID_LENGTH = 20;

/** Sizes of every length, and those at which the length changes. */
function size(random: SeededRandom): number {
  const power = 2 ** random.below(53);
  return Math.max(0, Math.min(Number.MAX_SAFE_INTEGER, power + random.pick([-1, 0, 1, random.below(power)])));
}

describe(`the size of an entry (seed ${seed})`, () => {
  it('is read in its shortest form, and in no longer one', () => {
    const random = new SeededRandom(seed);
    for (let round = 0; round < 2_000; round++) {
      const type = random.pick([1, 2, 3, 4] as const);
      const expected = size(random);
      const header = entryHeader(type, expected);
      expect(readPackEntryHeader(header, 0, 12, ID_LENGTH)).toEqual({
        type,
        size: expected,
        length: header.length,
      });
      const padded = Buffer.concat([entryHeader(type, expected, 1 + random.below(100)), randomBytes(30)]);
      expect(() => readPackEntryHeader(padded, 0, 12, ID_LENGTH)).toThrow('not in its shortest form');
    }
  });

  it('is not looked for in more bytes than a size has', () => {
    const endless = Buffer.concat([Buffer.of(0xb0), Buffer.alloc(10_000, 0xff)]);
    expect(() => readPackEntryHeader(endless, 0, 12, ID_LENGTH)).toThrow('not in its shortest form');
  });
});

describe(`the sizes of a delta (seed ${seed})`, () => {
  it('are read in their shortest forms, and in no longer ones', () => {
    const random = new SeededRandom(seed);
    const steps = new DeltaSteps();
    for (let round = 0; round < 2_000; round++) {
      const base = size(random) % 2 ** 24;
      const more = randomBytes(1 + random.below(100));
      const delta = appendDelta(base, more);
      expect(deltaResultSize(delta)).toBe(base + more.length);
      steps.begin(delta, 0, delta.length);
      expect([steps.baseSize, steps.resultSize]).toEqual([base, base + more.length]);
      const padding = { [random.pick(['base', 'result'])]: 1 + random.below(40) };
      const padded = appendDelta(base, more, padding);
      expect(() => deltaResultSize(padded)).toThrow('cannot be applied');
      expect(() => steps.begin(padded, 0, padded.length)).toThrow('cannot be applied');
    }
  });
});
