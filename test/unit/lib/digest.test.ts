import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isDigest, sha256, sha256InSteps, sha256OfFile } from '../../../src/lib/digest.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const OF_ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

it('a digest is SHA-256 in lower-case hex, of bytes, of UTF-8 and of a file', async () => {
  await using folder = await tempDir();
  const path = join(folder.path, 'abc');
  await writeFile(path, 'abc');
  expect(sha256('abc')).toBe(OF_ABC);
  expect(sha256(Buffer.from('abc'))).toBe(OF_ABC);
  expect(await sha256OfFile(path)).toBe(OF_ABC);
  await expect(sha256OfFile(join(folder.path, 'absent'))).rejects.toMatchObject({ code: 'ENOENT' });
});

it.each([
  [OF_ABC, true],
  [OF_ABC.toUpperCase(), false],
  [OF_ABC.slice(1), false],
  [`${OF_ABC}0`, false],
  [`${OF_ABC}\n`, false],
  ['', false],
])('isDigest checks %j', (text, is) => {
  expect(isDigest(text)).toBe(is);
});

it('a digest of much is computed in steps of bounded size', () => {
  for (const [size, expected] of [
    [0, 0],
    [100_000, 0],
    [1_000_000, 4],
  ] as const) {
    const bytes = Buffer.alloc(size, 'bytes');
    const work = sha256InSteps(bytes);
    let steps = 0;
    let last = work.next();
    for (; !last.done; last = work.next()) steps++;
    expect([steps, last.value]).toEqual([expected, sha256(bytes)]);
  }
});
