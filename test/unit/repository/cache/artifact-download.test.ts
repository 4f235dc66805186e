import { artifactBytes } from '../../../helpers/artifact-bytes.ts';
import { filesBelow } from '../../../helpers/files.ts';
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../../../src/lib/digest.ts';
import { CairnError } from '../../../../src/lib/errors.ts';
import { Limiter } from '../../../../src/lib/limiter.ts';
import { MemoryObjectStore } from '../../../../src/object-store/memory.ts';
import type { GetOptions, GetResult } from '../../../../src/object-store/object-store.ts';
import { StoreRefusedError } from '../../../../src/object-store/store-refused.ts';
import { artifactKey } from '../../../../src/repository/keys.ts';
import type { ArtifactRef } from '../../../../src/repository/manifest.ts';
import { ID, RepositoryRig } from '../../../helpers/repository-rig.ts';
import { type TempDir, tempDir } from '../../../helpers/temp-dir.ts';

const KIB = 1024;
type Found = Extract<GetResult, { found: true }>;

/** A store that remembers which ranges it was asked for, and answers as a test says. */
class RangeStore extends MemoryObjectStore {
  readonly asked: { readonly offset: number; readonly length: number }[] = [];
  active = 0;
  mostActive = 0;
  answer: (range: { offset: number; length: number }, found: Found) => Promise<Found> | Found = (_, found) =>
    found;

  override async get(key: string, options?: GetOptions): Promise<GetResult> {
    const result = await super.get(key, options);
    if (!result.found) return result;
    const range = options?.range ?? { offset: 0, length: result.size };
    this.asked.push(range);
    this.active++;
    this.mostActive = Math.max(this.mostActive, this.active);
    result.body.once('close', () => this.active--);
    return this.answer(range, result);
  }
}

let folder: TempDir;
let store: RangeStore;
let rig: RepositoryRig;
const bytes = randomBytes(1_000 * KIB);
const ref: ArtifactRef = { digest: sha256(bytes), size: bytes.length };
const key = artifactKey(ID, { digest: ref.digest, kind: 'pack' });

beforeEach(async () => {
  folder = await tempDir();
  store = new RangeStore();
  rig = rigWith(new Limiter('ranges', 100, 100));
  await rig.cache.open();
  await store.put(key, bytes, { mode: 'create' });
});

afterEach(() => folder[Symbol.asyncDispose]());

function rigWith(slots: Limiter): RepositoryRig {
  const ranged = { above: 200 * KIB, length: 100 * KIB, atOnce: 4, slots };
  return new RepositoryRig({ folder: folder.path, store, ranged });
}

async function fetched(): Promise<string> {
  const file = await rig.cache.acquire(ID, 'pack', ref);
  const digest = sha256(await readFile(file.path));
  file.release();
  return digest;
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('a large artifact', () => {
  it('is downloaded in ranges, a few at once, each byte once', async () => {
    store.answer = async (range, found) => {
      await pause(range.offset % 3);
      return found;
    };
    expect(await fetched()).toBe(ref.digest);
    expect(store.asked.map(({ offset }) => offset / KIB).sort((a, b) => a - b)).toEqual([
      0, 100, 200, 300, 400, 500, 600, 700, 800, 900,
    ]);
    expect(store.asked.reduce((sum, { length }) => sum + length, 0)).toBe(bytes.length);
    expect(store.mostActive).toBe(4);
    expect(store.active).toBe(0);
  });

  it('is read in order even if its first range comes last', async () => {
    let free: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      free = resolve;
    });
    store.answer = async (range, found) => {
      if (range.offset === 0) await held;
      return found;
    };
    const stream = await rig.cache.stream(ID, 'pack', ref);
    const reader = artifactBytes(stream);
    let first: unknown;
    const reading = reader.next().then((result) => {
      first = result.value;
      return result;
    });
    while (store.asked.length < 10) await pause(1);
    expect(first).toBeUndefined();
    free();
    const chunks = [(await reading).value as Buffer];
    for (;;) {
      const next = await reader.next();
      if (next.done === true) break;
      chunks.push(next.value);
    }
    expect(sha256(Buffer.concat(chunks))).toBe(ref.digest);
    await stream.verified;
    stream.release();
  });

  it('shares slots with other downloads', async () => {
    rig = rigWith(new Limiter('ranges', 2, 100));
    await rig.cache.open();
    expect(await fetched()).toBe(ref.digest);
    expect(store.mostActive).toBe(2);
  });

  it('resumes a range that breaks off, and only that one', async () => {
    let broken = 0;
    store.answer = (range, found) => {
      if (range.offset !== 300 * KIB || broken++ > 0) return found;
      found.body.destroy();
      return { ...found, body: Readable.from(brokenBody(bytes.subarray(300 * KIB, 340 * KIB))) };
    };
    expect(await fetched()).toBe(ref.digest);
    expect(store.asked).toHaveLength(11);
    expect(store.asked).toContainEqual({ offset: 340 * KIB, length: 60 * KIB });
  });

  it('is unavailable if a range keeps breaking off; the other ranges are cancelled, and nothing is left', async () => {
    store.answer = (range, found) => {
      if (range.offset !== 0) return found;
      found.body.destroy();
      return { ...found, body: Readable.from(brokenBody(Buffer.alloc(0))) };
    };
    await expect(fetched()).rejects.toMatchObject({ kind: 'unavailable' });
    expect(store.asked.filter(({ offset }) => offset === 0)).toHaveLength(3);
    expect(await filesBelow(join(folder.path, 'artifacts'))).toEqual([]);
    expect(store.active).toBe(0);
    store.answer = (_, found) => found;
    expect(await fetched()).toBe(ref.digest);
  });

  it('that the store refuses is not requested again', async () => {
    store.answer = (_, found) => {
      found.body.destroy();
      throw new StoreRefusedError('setting', 'wrong credentials');
    };
    await expect(fetched()).rejects.toThrow('wrong credentials');
    expect(store.asked.length).toBeLessThanOrEqual(4);
  });

  const other = (parts: Partial<Found>) => (range: { offset: number }, found: Found) => {
    if (range.offset !== 500 * KIB) return found;
    if (parts.body !== undefined) found.body.destroy();
    return { ...found, ...parts };
  };
  it.each([
    ['comes from another version', other({ version: 'another' }), 'replaced while it was read'],
    ['is of an object of another size', other({ size: 7 }), 'it has 7 bytes instead of'],
    ['has other bytes', other({ body: Readable.from([Buffer.alloc(100 * KIB)]) }), 'do not match its digest'],
    ['is too short', other({ body: Readable.from([Buffer.alloc(10)]) }), 'do not match its size'],
    ['is too long', other({ body: Readable.from([Buffer.alloc(101 * KIB)]) }), 'do not match its size'],
  ])('is corrupt if a range %s', async (_, answer, words) => {
    store.answer = answer;
    await expect(fetched()).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringMatching(`${key}.*${words}`),
    });
    expect(await filesBelow(join(folder.path, 'artifacts'))).toEqual([]);
  });
});

it('a small artifact is downloaded with one request', async () => {
  const small = bytes.subarray(0, 200 * KIB);
  const smallRef = { digest: sha256(small), size: small.length };
  await store.put(artifactKey(ID, { digest: smallRef.digest, kind: 'pack' }), small, { mode: 'create' });
  (await rig.cache.acquire(ID, 'pack', smallRef)).release();
  expect(store.asked).toEqual([{ offset: 0, length: smallRef.size }]);
});

async function* brokenBody(begin: Buffer): AsyncGenerator<Buffer> {
  if (begin.length > 0) yield begin;

  throw new CairnError('unavailable', 'the connection broke');
}
