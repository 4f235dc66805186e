/** Trees in a pack that git has made: a history that has them, the pack as it is scanned, and what git says that they are. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PackIdx } from '../../src/git/index.ts';
import { openFile } from '../../src/lib/opened-file.ts';
import type { ScannedPack } from '../../src/repository/intake/entries/pack-entries.ts';
import type { RealRepository } from '../unit/git/real-git.ts';
import type { SeededRandom } from './seeded-random.ts';

export const NO_LIMIT = {
  objectBytes: Number.MAX_SAFE_INTEGER,
  setting: '--max-object-size',
  unpackedBytes: Number.POSITIVE_INFINITY,
  linkingBytes: Number.POSITIVE_INFINITY,
};

/** A history of random trees, many of them large, each a little different from the one before. */
export function treeHistory(random: SeededRandom, commits: number, files: number): string {
  const lines: string[] = [];
  for (let commit = 1; commit <= commits; commit++) {
    lines.push(`commit refs/heads/main\ncommitter A <a@example.com> ${commit} +0000\ndata 1\nx`);
    for (let change = random.below(8); change >= 0; change--) {
      const name = `f${random.below(12)}/${'long'.repeat(random.below(4))}${random.below(4)}/${random.below(files)}`;
      lines.push(`M 100644 inline ${name}\ndata 12\n${random.hex(6)}`);
    }
  }
  return `${lines.join('\n')}\ndone\n`;
}

/** Has the one pack of a repository read. */
export async function readPack<T>(
  repository: RealRepository,
  use: (pack: ScannedPack) => Promise<T>,
): Promise<T> {
  const folder = join(repository.path, 'objects/pack');
  const [name = ''] = readdirSync(folder).filter((file) => file.endsWith('.pack'));
  const pack = await openFile(join(folder, name));
  const index = await openFile(join(folder, name.replace('.pack', '.idx')));
  try {
    const idx = await PackIdx.open(index.read, 'sha1');
    return await use({ size: pack.size, read: pack.read, idx });
  } finally {
    await pack.close();
    await index.close();
  }
}

/** What git says that the trees are. */
export function treesOf(repository: RealRepository): Map<string, string> {
  const list = ['cat-file', '--batch-all-objects', '--batch-check=%(objecttype) %(objectname)'];
  const trees = repository.git(list).toString().split('\n');
  const ids = trees.filter((line) => line.startsWith('tree ')).map((line) => line.slice(5));
  const printed = repository.git(['cat-file', '--batch'], { input: `${ids.join('\n')}\n` });
  const contents = new Map<string, string>();
  let at = 0;
  for (const id of ids) {
    const lineEnd = printed.indexOf('\n', at);
    const size = Number(printed.toString('latin1', at, lineEnd).split(' ')[2]);
    contents.set(id, printed.toString('hex', lineEnd + 1, lineEnd + 1 + size));
    at = lineEnd + size + 2;
  }
  return contents;
}
