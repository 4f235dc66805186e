/** The object ids of packs, as git reads them from standard input. */
import { join } from 'node:path';
import { PackIdx } from '../../git/index.ts';
import { openFile } from '../../lib/read-at.ts';
import type { GitState, PackEntry } from '../../repository/git/git-manifest.ts';
import { snapshotPackName } from '../../repository/snapshot/snapshot.ts';

/**
 * The ids of all objects in packs, one a line, in pieces; an id comes once for each pack that holds it.
 * @param gitDir a snapshot of `state`
 * @throws CairnError `corrupt` when an idx is damaged; what the file system throws
 */
export async function* packIds(
  gitDir: string,
  packs: readonly PackEntry[],
  state: Pick<GitState, 'objectFormat'>,
): AsyncGenerator<Buffer> {
  for (const entry of packs) {
    const file = await openFile(join(gitDir, 'objects', 'pack', `${snapshotPackName(entry, state)}.idx`));
    try {
      const idx = await PackIdx.open(file.read, state.objectFormat);
      for await (const block of idx.ids()) yield hexLines(block, idx.idLength);
    } finally {
      await file.close();
    }
  }
}

/** Raw ids that stand side by side, as hex digits line by line. */
function hexLines(ids: Buffer, idLength: number): Buffer {
  const digits = new RegExp(`.{${2 * idLength}}`, 'g');
  return Buffer.from(ids.toString('hex').replaceAll(digits, '$&\n'));
}
