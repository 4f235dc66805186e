/** The object ids of packs, as git reads them from standard input. */
import { join } from 'node:path';
import { type ObjectFormat, PackIdx } from '../../git/index.ts';
import { openFile } from '../../lib/read-at.ts';

/**
 * The ids of all objects in packs, one a line, in pieces; an id comes once for each pack that holds it.
 * @param gitDir the repository that has them
 * @param names of the packs there, without `.pack`
 * @throws CairnError `corrupt` when an idx is damaged; what the file system throws
 */
export async function* packIds(
  gitDir: string,
  names: readonly string[],
  format: ObjectFormat,
): AsyncGenerator<Buffer> {
  for (const name of names) {
    const file = await openFile(join(gitDir, 'objects', 'pack', `${name}.idx`));
    try {
      const idx = await PackIdx.open(file.read, format);
      for await (const block of idx.ids()) yield hexLines(block, idx.idLength);
    } finally {
      await file.close();
    }
  }
}

/** Raw ids that stand side by side, as hex digits line by line. */
export function hexLines(ids: Buffer, idLength: number): Buffer {
  const digits = new RegExp(`.{${2 * idLength}}`, 'g');
  return Buffer.from(ids.toString('hex').replaceAll(digits, '$&\n'));
}
