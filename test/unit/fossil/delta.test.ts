import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createDelta } from '../../../src/fossil/create-delta.ts';
import { applyDelta, DeltaError, deltaChecksum, deltaOutputSize } from '../../../src/fossil/delta.ts';
import { FossilClient, noFossil } from '../../helpers/fossil.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import { testSeed } from '../../helpers/test-seed.ts';

const SOURCE = Buffer.from('The quick brown fox jumps over the lazy dog. Then it rests beside the river.');
const MEBIBYTE = 1_048_576;
const SEED = testSeed(14);

const apply = (delta: string | Uint8Array, limit = MEBIBYTE) =>
  Buffer.from(applyDelta(SOURCE, Buffer.from(delta), limit)).toString();

describe('a delta', () => {
  it('copies from its source and adds new bytes', () => {
    expect(apply('E\n3@4,2:, 9@A,0;')).toBe('qui, brown fox');
    expect(apply('0\n0;')).toBe('');
    expect(apply('3\n0@0,3:abc0;')).toBe('abc');
  });

  it('declares the size of its target', () => {
    expect(deltaOutputSize(Buffer.from('10\n0;'))).toBe(64);
    expect(deltaOutputSize(Buffer.from('3~~~~~\n'))).toBe(0xffff_ffff);
    expect(() => deltaOutputSize(Buffer.from('12'))).toThrow(DeltaError);
  });

  it('ends with the checksum of its target', () => {
    expect(deltaChecksum(Buffer.from([]))).toBe(0);
    expect(deltaChecksum(Buffer.from([1, 2, 3, 4]))).toBe(0x0102_0304);
    expect(deltaChecksum(Buffer.from([1, 2, 3, 4, 5]))).toBe(0x0602_0304);
    expect(deltaChecksum(Buffer.alloc(8, 0xff))).toBe(0xffff_fffe);
  });
});

describe('a malformed delta is refused', () => {
  it.each([
    ['nothing at all', '', 'a number is missing'],
    ['no size', '\n0;', 'a number is missing'],
    ['no line feed after the size', '3:abc0;', 'not a size'],
    ['a size beyond 32 bits', '400000\n0;', '32 bits'],
    ['a size of very many digits', `${'~'.repeat(100_000)}\n0;`, '32 bits'],
    ['a copy beyond the end of its source', 'J\nJ@1A,0;', 'behind the end'],
    ['a copy whose end overflows', '3\n3@3~~~~~,0;', 'behind the end'],
    ['a copy length beyond 32 bits', '3\n400000@0,0;', '32 bits'],
    ['an offset beyond 32 bits', '3\n3@400000,0;', '32 bits'],
    ['a copy without a comma', '3\n3@0;', 'comma'],
    ['more output than declared, by a copy', '3\n4@0,0;', 'more than'],
    ['more output than declared, by a literal', '3\n4:abcd0;', 'more than'],
    ['less output than declared', '4\n3:abc0;', 'less than'],
    ['a literal that is cut short', '4\n4:ab', 'cut short'],
    ['no terminator', '3\n3:abc', 'a number is missing'],
    ['no terminator after the checksum', '3\n3:abc12', 'no end'],
    ['an unknown command', '3\n3!abc0;', 'unknown command'],
    ['a command without a number', '3\n:abc0;', 'a number is missing'],
  ])('%s', (_, delta, reason) => {
    expect(() => apply(delta)).toThrow(reason);
    expect(() => apply(delta)).toThrow(DeltaError);
  });

  it('if it is larger than allowed, before anything is made', () => {
    expect(() => apply('1000\n0;', 64 ** 3 - 1)).toThrow(
      'malformed delta: it makes 262144 bytes, and 262143 are allowed',
    );
  });

  it('with a size that its commands do not reach, without memory for that size', () => {
    const before = process.memoryUsage().arrayBuffers;
    expect(() => apply('3~~~~~\n0;', 2 ** 32)).toThrow('less than');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MEBIBYTE);
  });

  it(`or makes another target, for any changed bytes (seed ${SEED})`, () => {
    const random = new SeededRandom(SEED);
    const delta = Buffer.from(createDelta(SOURCE, Buffer.from(`${SOURCE.toString().slice(9)} And so on.`)));
    for (let run = 0; run < 20_000; run++) {
      const hurt = Buffer.from(
        delta.subarray(0, random.below(4) === 0 ? random.below(delta.length) : undefined),
      );
      for (let change = random.below(3); change >= 0; change--) {
        if (hurt.length > 0) hurt[random.below(hurt.length)] = random.below(256);
      }
      try {
        expect(applyDelta(SOURCE, hurt, 1_000).length).toBeLessThanOrEqual(1_000);
      } catch (error) {
        expect(error).toBeInstanceOf(DeltaError);
      }
    }
  });
});

describe('a created delta', () => {
  it(`makes its target, for pairs of all kinds (seed ${SEED})`, () => {
    const random = new SeededRandom(SEED);
    for (let run = 0; run < 400; run++) {
      const [source, target] = pair(random, 3_000);
      const delta = createDelta(source, target);
      expect(Buffer.from(applyDelta(source, delta, target.length)).equals(target), `run ${run}`).toBe(true);
      expect(delta.length).toBeLessThanOrEqual(target.length + 20);
      expect(deltaOutputSize(delta)).toBe(target.length);
    }
  });

  it('is small for small changes', () => {
    const lines = Array.from({ length: 4_000 }, (_, line) => `line ${line}: ${(line * 7_919) % 10_007}\n`);
    const source = Buffer.from(lines.join(''));
    const target = Buffer.from(lines.toSpliced(100, 1, 'another line\n').toSpliced(3_000, 2).join(''));
    expect(createDelta(source, target).length).toBeLessThan(80);
  });

  it('finds moved parts', () => {
    const random = new SeededRandom(SEED);
    const [one, other] = [noise(random, 5_000), noise(random, 5_000)];
    expect(createDelta(Buffer.concat([one, other]), Buffer.concat([other, one])).length).toBeLessThan(50);
  });

  it('looks at each byte of repetitive input a bounded number of times', () => {
    const few = comparisons(2 ** 11);
    const many = comparisons(2 ** 13);
    expect(many / few).toBeLessThan(5);
  });
});

describe('the stock program', () => {
  it(`applies created deltas, and makes deltas that are applied here (seed ${SEED})`, async ({ skip }) => {
    skip(noFossil !== undefined, noFossil);
    await using folder = await tempDir();
    const user = new FossilClient(folder.path);
    const random = new SeededRandom(SEED);
    for (let run = 0; run < 12; run++) {
      const [source, target] = pair(random, 20_000);
      const files = ['source', 'target', 'ours', 'theirs'].map((name) => join(folder.path, name));
      const [sourceFile = '', targetFile = '', ours = '', theirs = ''] = files;
      await writeFile(sourceFile, source);
      await writeFile(targetFile, target);
      await writeFile(ours, createDelta(source, target));
      await user.run(['test-delta-apply', sourceFile, ours, join(folder.path, 'made')]);
      expect((await readFile(join(folder.path, 'made'))).equals(target)).toBe(true);
      await user.run(['test-delta-create', sourceFile, targetFile, theirs]);
      const made = applyDelta(source, await readFile(theirs), target.length);
      expect(Buffer.from(made).equals(target)).toBe(true);
      const [mine, stock] = [await readFile(ours), await readFile(theirs)];
      expect(mine.length).toBeLessThanOrEqual(stock.length * 1.2 + 20);
    }
  });
});

function noise(random: SeededRandom, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}

/** A source and a target: noise, text, runs of one byte; the target has parts of the source, moved and changed. */
function pair(random: SeededRandom, longest: number): [Buffer, Buffer] {
  const piece = (): Buffer => {
    const length = random.below(longest / 8);
    switch (random.below(4)) {
      case 0:
        return noise(random, length);
      case 1:
        return Buffer.alloc(length, random.below(3));
      case 2:
        return Buffer.from('the same words again '.repeat(length / 21 + 1)).subarray(0, length);
      default:
        return Buffer.from(Array.from({ length }, () => 97 + random.below(4)));
    }
  };
  const source = Buffer.concat(Array.from({ length: random.below(8) }, piece));
  const parts = Array.from({ length: random.below(8) }, () => {
    if (random.below(3) === 0) return piece();
    const from = random.below(source.length + 1);
    return source.subarray(from, from + random.below(longest / 4));
  });
  return [source, Buffer.concat(parts)];
}

/** How many bytes of a source of runs, which every block matches, are read when a delta is made of it. */
function comparisons(size: number): number {
  let reads = 0;
  const source = new Proxy(new Uint8Array(size), {
    get: (bytes, key) => {
      if (typeof key === 'string' && /^\d/.test(key)) reads++;
      return Reflect.get(bytes, key, bytes) as unknown;
    },
  });
  const target = new Uint8Array(size).fill(0);
  for (let at = 0; at < size; at += 100) target[at] = 1 + (at % 250);
  createDelta(source, target);
  return reads;
}
