import { link, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { packedRefsOf, type RefTable } from '../../git/index.ts';
import { systemCode } from '../../lib/errors.ts';
import { makeFolder } from '../../lib/make-folder.ts';
import { SingleFlight } from '../../lib/single-flight.ts';

/** Files kept for snapshots to come. One of 100,000 refs takes some 7 MB, and snapshots that link it keep it anyway. */
const KEPT = 16;

/**
 * `packed-refs` of repositories with very many refs, each written once for all snapshots with these refs, which link it:
 * a fold, or a change of the rules, changes none.
 */
export class PackedRefsFiles {
  private readonly folder: string;
  private readonly writing = new SingleFlight<string, void>();
  /** Digests, the one used last at the end. */
  private readonly kept = new Set<string>();
  private made = 0;

  /** @param folder on the file system of the snapshots; made when it is needed, and to be removed at start */
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
        // Removed at this moment, because others were used since.
        if (systemCode(error) !== 'ENOENT' || tries === 2) throw error;
        this.kept.delete(digest);
      }
    }
  }

  private async write(table: RefTable, file: string): Promise<void> {
    await makeFolder(this.folder);
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

/** Writes `packed-refs` piece by piece: others get a turn while the disk takes each. */
export async function writePackedRefs(table: RefTable, path: string): Promise<void> {
  await table.ready();
  const file = await open(path, 'wx');
  try {
    for (const piece of packedRefsOf(table)) await file.writeFile(piece);
  } finally {
    await file.close();
  }
}
