import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PagedFile, pageBytes } from '../../../src/lib/paged-file.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { type TempDir, tempDir } from '../../helpers/temp-dir.ts';

let folder: TempDir;
beforeAll(async () => {
  folder = await tempDir();
});
afterAll(() => folder[Symbol.asyncDispose]());

const SEED = 41;
const RECORD = 64;

describe('a paged file', () => {
  it(`reads what was written, also after its cache has dropped it (seed ${SEED})`, async () => {
    const random = new SeededRandom(SEED);
    const path = join(folder.path, 'random');
    const cacheBytes = 4 * pageBytes;
    const file = new PagedFile(path, cacheBytes, true);
    const expected = Buffer.alloc(40 * pageBytes);
    let length = 0;
    for (let step = 0; step < 20_000; step++) {
      const position = RECORD * random.below(expected.length / RECORD);
      if (random.fraction() < 0.5) {
        const value = random.below(2 ** 32);
        file.pageToChange(position, RECORD).writeUInt32BE(value, position % pageBytes);
        expected.writeUInt32BE(value, position);
        length = Math.max(length, position + RECORD);
      } else if (position < length) {
        expect(file.readUInt32BE(position)).toBe(expected.readUInt32BE(position));
      }
      expect(file.held).toBeLessThanOrEqual(cacheBytes);
    }
    file.flush();
    expect(file.length).toBe(length);
    expect((await readFile(path)).equals(expected.subarray(0, length))).toBe(true);
    file.close();
  });

  it('copies bytes across pages, and refuses bytes behind its end', async () => {
    const path = join(folder.path, 'across');
    const bytes = Buffer.from(Array.from({ length: 3 * pageBytes - 1 }, (_, at) => at % 251));
    await writeFile(path, bytes);
    const file = new PagedFile(path, 2 * pageBytes);
    const target = Buffer.alloc(2 * pageBytes);
    file.copy(pageBytes - 3, target.length, target);
    expect(target.equals(bytes.subarray(pageBytes - 3, 3 * pageBytes - 3))).toBe(true);
    expect(file.readUInt32BE(pageBytes - 2)).toBe(bytes.readUInt32BE(pageBytes - 2));
    expect(() => file.copy(bytes.length - 3, 4, target)).toThrow(`ends before byte ${bytes.length + 1}`);
    file.close();
  });
});
