import { constants, deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { DeflateSkipper } from '../../../src/lib/skip-deflated.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';

const { Z_FIXED, Z_HUFFMAN_ONLY, Z_DEFAULT_STRATEGY } = constants;

/** Streams of all kinds of blocks. */
function streams(seed: number): Buffer[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: 60 }, () => {
    const words = ['tree ', 'blob', ' 100644 ', random.hex(20)];
    const size = random.pick([0, 1, 20, 300, 5_000, 100_000]);
    let text = '';
    while (text.length < size) text += random.pick(words);
    const noise = Buffer.from(random.hex(Math.min(size, 20_000)), 'hex');
    const level = random.pick([0, 1, 6, 9]);
    const strategy = random.pick([Z_FIXED, Z_HUFFMAN_ONLY, Z_DEFAULT_STRATEGY]);
    return deflateSync(random.fraction() < 0.3 ? noise : Buffer.from(text), { level, strategy });
  });
}

/** Where streams end that come one behind the other, in pieces. */
function ends(bytes: Buffer, count: number, pieces: () => number): number[] {
  const skipper = new DeflateSkipper();
  const found: number[] = [];
  let rest: Buffer = Buffer.alloc(0);
  let begin = 0;
  let position = 0;
  for (let at = 0; at < bytes.length && found.length < count; ) {
    const next = at + pieces();
    rest = Buffer.concat([rest, bytes.subarray(at, next)]);
    at = next;
    for (;;) {
      const skipped = skipper.skip(rest, position);
      if (skipped === undefined) throw new Error('malformed');
      position = skipped;
      if (!skipper.done) break;
      found.push(begin + position / 8);
      skipper.begin();
    }
    begin += position >>> 3;
    rest = rest.subarray(position >>> 3);
    position &= 7;
  }
  return found;
}

describe('skipping deflated data', () => {
  it.each([1, 2, 3])('finds the ends of streams, for any division of the bytes (seed %i)', (seed) => {
    const all = streams(seed);
    let end = 0;
    const expected = all.map((stream) => {
      end += stream.length;
      return end;
    });
    const bytes = Buffer.concat([...all, Buffer.alloc(20)]);
    const random = new SeededRandom(seed);
    expect(ends(bytes, all.length, () => 1 + random.below(7))).toEqual(expected);
    expect(ends(bytes, all.length, () => 1 + random.below(9_000))).toEqual(expected);
    expect(ends(bytes, all.length, () => bytes.length)).toEqual(expected);
  });

  it('reports other bytes as malformed', () => {
    expect(new DeflateSkipper().skip(Buffer.alloc(2_000, 0xff), 0)).toBeUndefined();
  });
});
