import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withDir } from 'tmp-promise';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FileSpool } from '../../../../src/fossil-sync/client/file-spool.ts';
import { DiskFullError } from '../../../../src/lib/disk-full.ts';
import { ScratchFiles } from '../../../../src/lib/scratch-files.ts';
import { NameHash } from '../../../../src/repository/fossil/name-table.ts';
import { PackBuilder } from '../../../../src/repository/fossil/pack-builder.ts';
import { verifyBag } from '../../../../src/repository/fossil/verify-bag.ts';
import { compressed, delta, FossilRig, whole } from '../../../helpers/fossil-rig.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

/** Content that is made in a scratch file. */
const large = whole(Buffer.alloc(5 << 20, new SeededRandom(1).hex(40_000)));
const changed = whole(Buffer.concat([large.payload, Buffer.from('changed')]));

it.each([
  ['a whole artifact', [compressed(large)], large],
  ['a delta', [compressed(large), delta(large, changed)], changed],
] as const)('a full disk is not taken for damage: %s', async (_, artifacts, asked) => {
  const rig = await new FossilRig().create();
  await rig.push(artifacts);
  const { store } = rig;
  const full = new FossilRig({ store, seed: 5, scratch: new ScratchFiles(tmpdir(), 1_000) });
  const bag = await full.bag();
  await expect(bag.content(asked.name)).rejects.toMatchObject({ kind: 'busy' });
  await expect(verifyBag(bag)).rejects.toMatchObject({ kind: 'busy' });
  expect(await verifyBag(await rig.another().bag())).toEqual([]);
});

describe('an error of the system', () => {
  afterEach(() => vi.restoreAllMocks());

  async function failWrites(folder: string): Promise<void> {
    const file = await open(join(folder, 'file'), 'w');
    await file.close();
    const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    vi.spyOn(Object.getPrototypeOf(file), 'write').mockRejectedValue(full);
  }

  it('that a disk is full is told as such where a pack or the pages of a clone are written', async () => {
    await withDir(
      async ({ path }) => {
        await using spool = await FileSpool.create(path);
        await using builder = new PackBuilder(new NameHash(new SeededRandom(1)), new ScratchFiles(path, 0));
        await failWrites(path);
        const bytes = Buffer.alloc(16 << 20);
        await expect(spool.append(bytes)).rejects.toBeInstanceOf(DiskFullError);
        const record = { name: large.name, flags: 0, depth: 0, size: 0 };
        await expect(builder.add(record, bytes)).rejects.toBeInstanceOf(DiskFullError);
      },
      { unsafeCleanup: true },
    );
  });
});
