import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ObjectFormat } from '../../../../src/git/index.ts';
import { PackProgress } from '../../../../src/mirror/batches/pack-progress.ts';
import { generateHistory } from '../../../helpers/generated-history.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { type TempDir, tempDir } from '../../../helpers/temp-dir.ts';

let temp: TempDir;
beforeAll(async () => {
  temp = await tempDir();
});
afterAll(() => temp[Symbol.asyncDispose]());

async function packOf(format: ObjectFormat, seed: number): Promise<Buffer> {
  const { repository } = await generateHistory(temp.path, { seed, commits: 40, stages: 2, format });
  const args = [
    'pack-objects',
    '--all',
    '--stdout',
    '--quiet',
    ...(seed % 2 === 0 ? ['--delta-base-offset'] : []),
  ];
  return execFileSync('git', args, { cwd: repository.folder, input: '', maxBuffer: 2 ** 30 });
}

it.each<[ObjectFormat, number]>([
  ['sha1', 21],
  ['sha1', 22],
  ['sha256', 23],
])('objects of a pack of %s are counted for any division of the bytes (seed %i)', async (format, seed) => {
  const pack = await packOf(format, seed);
  const random = new SeededRandom(seed);
  const progress = new PackProgress(format);
  const counts: number[] = [];
  for (let at = 0; at < pack.length; ) {
    const end = at + 1 + random.below(3_000);
    progress.push(pack.subarray(at, end));
    counts.push(progress.objects);
    at = end;
  }
  expect(progress).toMatchObject({
    bytes: pack.length,
    objects: pack.readUInt32BE(8),
    total: pack.readUInt32BE(8),
  });
  expect(new Set(counts).size).toBeGreaterThan(10);
});

it('bytes are still counted if the pack is malformed', async () => {
  const pack = Buffer.from(await packOf('sha1', 24));
  pack.fill(0xff, 2_000, 12_000);
  const progress = new PackProgress('sha1');
  for (let at = 0; at < pack.length; at += 512) progress.push(pack.subarray(at, at + 512));
  expect(progress.bytes).toBe(pack.length);
  expect(progress.objects).toBeLessThan(progress.total);
  const other = new PackProgress('sha1');
  other.push(Buffer.from('<html>no pack at all</html>'));
  expect(other).toMatchObject({ bytes: 27, objects: 0, total: 0 });
});
