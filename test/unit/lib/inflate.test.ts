/** What zlib deflates, in every way it has, comes back as it was; what is no such stream is told apart, and nothing is written beside it. */
import { randomBytes } from 'node:crypto';
import { constants, deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Inflater } from '../../../src/lib/inflate.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { testSeed } from '../../helpers/test-seed.ts';

const seed = testSeed();
const STRATEGIES = [
  constants.Z_DEFAULT_STRATEGY,
  constants.Z_FILTERED,
  constants.Z_HUFFMAN_ONLY,
  constants.Z_RLE,
  constants.Z_FIXED,
];

/** Bytes of few values, of many, or repeated: whatever makes the codes differ. */
function content(random: SeededRandom): Buffer {
  const length = random.below(4) === 0 ? random.below(70_000) : random.below(600);
  const values = 1 + random.below(random.pick([2, 20, 256]));
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const copied = at > 3 && random.below(3) === 0 ? Math.min(random.below(300), at, length - at) : 0;
    if (copied > 0) {
      bytes.copy(bytes, at, at - copied, at);
      at += copied;
      continue;
    }
    // Some values are far more frequent than others, so that codes get long.
    bytes[at++] = Math.floor(values * random.fraction() ** 6);
  }
  return bytes;
}

describe(`streams of zlib (seed ${seed})`, () => {
  it('are inflated exactly', () => {
    const random = new SeededRandom(seed);
    const inflater = new Inflater();
    for (let round = 0; round < 500; round++) {
      const bytes = content(random);
      const options = {
        level: random.below(10),
        strategy: random.pick(STRATEGIES),
        memLevel: 1 + random.below(9),
      };
      const deflated = deflateSync(bytes, options);
      const [before, behind] = [random.below(20), random.below(20)];
      const source = Buffer.concat([randomBytes(before), deflated, randomBytes(behind)]);
      const target = Buffer.alloc(bytes.length + 20, 7);
      const end = before + deflated.length;
      expect(inflater.inflate(source, before, end, target, 10, bytes.length)).toBe(true);
      expect(target.subarray(10, 10 + bytes.length).equals(bytes)).toBe(true);
      expect([...target.subarray(0, 10), ...target.subarray(10 + bytes.length)]).toEqual(Array(20).fill(7));
      // One byte more or less than there is.
      for (const wrong of [bytes.length - 1, bytes.length + 1]) {
        if (wrong >= 0) expect(inflater.inflate(source, before, end, target, 10, wrong)).toBe(false);
      }
      // Before the four bytes of the checksum.
      if (bytes.length > 0 && deflated.length > 8) {
        const cut = before + random.below(deflated.length - 6);
        expect(inflater.inflate(source.subarray(0, cut), before, cut, target, 10, bytes.length)).toBe(false);
      }
    }
  });

  it('are inflated in part, from as much of them as that takes', () => {
    const random = new SeededRandom(seed);
    const inflater = new Inflater();
    for (let round = 0; round < 500; round++) {
      const bytes = content(random);
      const deflated = deflateSync(bytes, { level: random.below(10), strategy: random.pick(STRATEGIES) });
      const source = Buffer.concat([deflated, randomBytes(20)]);
      const target = Buffer.alloc(random.below(300));
      const count = Math.min(target.length, bytes.length);
      expect(inflater.inflateStart(source, 0, deflated.length, target)).toBe(count);
      expect(target.subarray(0, count).equals(bytes.subarray(0, count))).toBe(true);
      // Of a stream that is cut short there is what it says so far, or nothing, and never something else.
      const cut = random.below(deflated.length);
      const got = inflater.inflateStart(source.subarray(0, cut), 0, cut, target);
      expect(target.subarray(0, got).equals(bytes.subarray(0, got))).toBe(true);
    }
  });

  it('are told from other bytes, which fail without writing outside the target', () => {
    const random = new SeededRandom(seed);
    const inflater = new Inflater();
    for (let round = 0; round < 1_000; round++) {
      const source = deflateSync(content(random));
      const changes = 1 + random.below(3);
      for (let change = 0; change < changes; change++)
        source[random.below(source.length)] = random.below(256);
      const target = Buffer.alloc(1_020, 7);
      inflater.inflate(source, 0, source.length, target, 10, 1_000);
      expect([...target.subarray(0, 10), ...target.subarray(1_010)]).toEqual(Array(20).fill(7));
    }
    const known = Buffer.from([0x78, 0xbb, 0x03, 0x00]);
    expect(inflater.inflate(known, 0, known.length, Buffer.alloc(0), 0, 0)).toBe(false);
    const gzip = Buffer.from([0x1f, 0x8b, 0x03, 0x00]);
    expect(inflater.inflate(gzip, 0, gzip.length, Buffer.alloc(0), 0, 0)).toBe(false);
  });
});
