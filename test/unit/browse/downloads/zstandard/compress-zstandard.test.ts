import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { Zstd } from '@hpcc-js/wasm-zstd';
import { decompress } from 'fzstd';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { compressZstandard } from '../../../../../src/browse/downloads/zstandard/compress-zstandard.ts';
import { copyAtOnce } from '../../../../../src/browse/downloads/zstandard/copy-at-once.ts';
import {
  LEVEL,
  STEP,
  ZSTANDARD_ENCODING,
} from '../../../../../src/browse/downloads/zstandard/zstandard-task.ts';
import { NICENESS } from '../../../../../src/git-process/browse-commands.ts';
import { SeededRandom } from '../../../../helpers/seeded-random.ts';
import { testSeed } from '../../../../helpers/test-seed.ts';

const seed = testSeed();
const random = new SeededRandom(seed);
const noise = (size: number) => Buffer.from(Uint8Array.from({ length: size }, () => random.below(256)));

const threads: Worker[] = [];
const note = (worker: Worker) => threads.push(worker);
beforeAll(() => process.on('worker', note));
afterAll(() => process.off('worker', note));
beforeEach(() => threads.splice(0));

/** A thread that has ended has no id. */
const running = () => threads.filter(({ threadId }) => threadId !== -1).length;

async function* inParts(bytes: Uint8Array, most: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const size = random.below(most + 1);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function allOf(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Runs of equal bytes, words that come again, and noise. */
function mixed(size: number): Buffer {
  const words = Array.from({ length: 50 }, () => noise(1 + random.below(39)));
  const parts: Buffer[] = [];
  for (let made = 0; made < size; ) {
    const kind = random.below(4);
    const part =
      kind === 0
        ? Buffer.alloc(1 + random.below(300_000), random.below(256))
        : kind === 1
          ? noise(1 + random.below(100_000))
          : Buffer.concat(Array.from({ length: 2_000 }, () => random.pick(words)));
    parts.push(part);
    made += part.length;
  }
  return Buffer.concat(parts).subarray(0, size);
}

it('another decoder gets back what was compressed, and the bytes do not depend on how they came', async () => {
  const sizes = [
    0,
    1,
    STEP - 1,
    STEP,
    STEP + 1,
    2 * STEP,
    1 + random.below(99),
    3 * STEP + random.below(6 * STEP),
  ];
  for (const size of sizes) {
    const input = mixed(size);
    const packed = await allOf(compressZstandard(inParts(input, 70_000)));
    expect(Buffer.from(decompress(packed)).equals(input), `${size} bytes, CAIRN_TEST_SEED=${seed}`).toBe(
      true,
    );
    const again = await allOf(compressZstandard(inParts(input, 3 * STEP)));
    expect(again.equals(packed), `${size} bytes again, CAIRN_TEST_SEED=${seed}`).toBe(true);
  }
  expect(threads).toHaveLength(2 * sizes.length);
  expect(running()).toBe(0);
});

it('the bytes are those that the name of the encoding stands for', async () => {
  // When this fails, the library gives other bytes than before: change the name, so that nobody takes the ones for the others.
  const input = Buffer.from(Array.from({ length: 400_000 }, (_, at) => `${(at * at) % 9_973}\n`).join(''));
  const packed = await allOf(compressZstandard(inParts(input, 100_000)));
  expect(ZSTANDARD_ENCODING).toBe('zstd 1.5.7, level 3, steps of 256 KiB');
  expect(createHash('sha256').update(packed).digest('hex')).toBe(
    'ec8caeb9c94101f5a8781572eca7083943238bd01cfd3ca90e49b3cdc6c4c4e9',
  );
  const { version, defaultCLevel } = await Zstd.load().then((zstd) => ({
    version: zstd.version(),
    defaultCLevel: zstd.defaultCLevel(),
  }));
  expect(ZSTANDARD_ENCODING).toBe(`zstd ${version}, level ${LEVEL}, steps of ${STEP / 1024} KiB`);
  expect(LEVEL).toBe(defaultCLevel);
});

it('the library is of the shape in which it copies its results at once', async () => {
  // When this fails, look whether the library still copies byte by byte (see `copy-at-once`).
  const zstd = await Zstd.load();
  expect(copyAtOnce(zstd)).toBe(true);
  const input = mixed(10_000);
  expect(Buffer.from(decompress(zstd.compress(input))).equals(input)).toBe(true);
  expect(copyAtOnce({} as Zstd)).toBe(false);
});

it('the source is read no faster than the compressed bytes', async () => {
  let given = 0;
  let ended = false;
  async function* source() {
    try {
      for (;;) {
        given++;
        yield randomBytes(STEP);
      }
    } finally {
      ended = true;
    }
  }
  const before = getPriority();
  let taken = 0;
  for await (const _ of compressZstandard(source())) {
    taken++;
    expect(given - taken).toBeLessThanOrEqual(2);
    expect(running()).toBe(1);
    if (taken < 40) continue;
    if (process.platform === 'linux') expect(Math.max(...nicenesses())).toBeGreaterThanOrEqual(NICENESS);
    break;
  }
  expect(getPriority()).toBe(before);
  expect(ended).toBe(true);
  expect(running()).toBe(0);
});

it('too many bytes, and errors of the source, end the thread', async () => {
  const input = randomBytes(2 * STEP + 1);
  await expect(allOf(compressZstandard(inParts(input, STEP), { most: 2 * STEP }))).rejects.toMatchObject({
    kind: 'too-large',
  });
  await allOf(compressZstandard(inParts(input, STEP), { most: input.length }));
  async function* failing() {
    yield input;
    throw new Error('the disk is on fire');
  }
  await expect(allOf(compressZstandard(failing()))).rejects.toThrow('the disk is on fire');
  expect(running()).toBe(0);
});

it.each([
  ['fails', 'throw new Error("no memory")', 'no memory'],
  ['ends', 'process.exit()', 'its thread has ended'],
  [
    'says why it cannot go on',
    'import { parentPort } from "node:worker_threads"; parentPort.on("message", () => parentPort.postMessage({ failure: "odd" }))',
    'odd',
  ],
])('a thread that %s is an error of the stream', async (_, text, reason) => {
  const program = new URL(`data:text/javascript,${encodeURIComponent(text)}`);
  const stream = compressZstandard(inParts(randomBytes(5 * STEP), STEP), { program });
  await expect(allOf(stream)).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining(reason),
  });
  expect(running()).toBe(0);
});

/** Of all threads of this process (proc(5), `stat`, field 19). */
function nicenesses(): number[] {
  return readdirSync('/proc/self/task').map((id) => {
    const stat = readFileSync(`/proc/self/task/${id}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
  });
}
