import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sha256OfFile } from '../../../../src/lib/digest.ts';
import { storeFolded } from '../../../../src/maintenance/fold/store-fold.ts';
import type { RepositoryId } from '../../../../src/repository/repository-id.ts';
import { ID, RepositoryRig } from '../../../helpers/repository-rig.ts';
import { tempDir } from '../../../helpers/temp-dir.ts';

it('a failing cache is reported with the repository, and the new packs are stored anyway', async () => {
  await using folder = await tempDir();
  const path = join(folder.path, 'graph');
  await writeFile(path, 'a graph');
  // A file where its folder should be.
  const { artifacts, cache } = new RepositoryRig({ folder: path });
  const told: [RepositoryId, unknown][] = [];
  const context = {
    ...{ artifacts, cache },
    onTrouble: (id: RepositoryId, error: unknown) => told.push([id, error]),
  };
  const file = { path, digest: await sha256OfFile(path), size: 7 };
  expect(await storeFolded(context, ID, 'graph', file)).toMatchObject({ digest: file.digest, size: 7 });
  expect(told).toEqual([[ID, expect.objectContaining({ kind: 'unavailable' })]]);
});
