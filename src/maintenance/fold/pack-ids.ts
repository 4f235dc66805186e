/** The object ids of packs, in the form that git reads from standard input. */
import { join } from 'node:path';
import { type ObjectFormat, PackIdx } from '../../git/index.ts';
import { openFile } from '../../lib/opened-file.ts';

/**
 * The ids of all objects in packs, one per line, in chunks. An id appears once for each pack that holds it.
 * @param gitDir the repository that has the packs
 * @param names of the packs, without `.pack`
 * @throws CairnError `corrupt` when an idx is damaged; errors of the file system
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

/** Formats concatenated raw ids as hex digits, one id per line. */
export function hexLines(ids: Buffer, idLength: number): Buffer {
  const digits = new RegExp(`.{${2 * idLength}}`, 'g');
  return Buffer.from(ids.toString('hex').replaceAll(digits, '$&\n'));
}
