import { link, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { packedRefsOf, type RefTable } from '../../git/index.ts';
import { systemCode } from '../../lib/errors.ts';
import { makeFolder, PRIVATE_FOLDER } from '../../lib/make-folder.ts';
import { SingleFlight } from '../../lib/single-flight.ts';

/**
 * Files kept for later snapshots. A file with 100,000 refs takes about 7 MB, and snapshots that link it keep it
 * anyway.
 */
const KEPT = 16;

/**
 * `packed-refs` files of repositories with very many refs. Each is written once and linked by all snapshots with
 * these refs: a fold, or a change of the rules, does not change them.
 */
export class PackedRefsFiles {
  private readonly folder: string;
  private readonly writing = new SingleFlight<string, void>();
  /** Digests, the most recently used last. */
  private readonly kept = new Set<string>();
  private made = 0;

  /** @param folder on the file system of the snapshots; created when needed, and removed at start */
  constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Links the file into a snapshot.
   * @throws system errors
   */
  async link(table: RefTable, target: string): Promise<void> {
    const { digest } = table;
    const file = join(this.folder, digest);
    for (let tries = 0; ; tries++) {
      if (!this.kept.has(digest)) await this.writing.run(digest, () => this.write(table, file));
      try {
        await link(file, target);
        this.kept.delete(digest);
        this.kept.add(digest);
        return;
      } catch (error) {
        // Removed at this moment, because other files were used since.
        if (systemCode(error) !== 'ENOENT' || tries === 2) throw error;
        this.kept.delete(digest);
      }
    }
  }

  private async write(table: RefTable, file: string): Promise<void> {
    await makeFolder(this.folder, PRIVATE_FOLDER);
    const unfinished = join(this.folder, `unfinished-${this.made++}`);
    try {
      await writePackedRefs(table, unfinished);
      await rename(unfinished, file);
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
    this.kept.add(table.digest);
    const [oldest] = this.kept;
    if (this.kept.size <= KEPT || oldest === undefined) return;
    this.kept.delete(oldest);
    await rm(join(this.folder, oldest), { force: true });
  }
}

/** Writes `packed-refs` in chunks, and yields while the disk writes each. */
export async function writePackedRefs(table: RefTable, path: string): Promise<void> {
  await table.ready();
  const file = await open(path, 'wx');
  try {
    for (const piece of packedRefsOf(table)) await file.writeFile(piece);
  } finally {
    await file.close();
  }
}
