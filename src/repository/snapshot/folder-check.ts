import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { systemCode } from '../../lib/errors.ts';

/** Milliseconds between two looks at a folder: requests that come meanwhile cost no system call. */
export const CHECKED_EVERY = 1_000;

/** HEAD, config, packed-refs, objects, and refs. */
const ENTRIES = 5;

/**
 * Notices that somebody has deleted a bare repository, or files of it, from the cache folder while the server runs: an
 * operator, or a cleaner of temporary files.
 */
export class FolderCheck {
  private readonly path: string;
  private readonly clock: Pick<Clock, 'monotonic'>;
  private checkedAt: number;

  /** @param path of a folder that was just made, or is being made */
  constructor(path: string, clock: Pick<Clock, 'monotonic'>) {
    this.path = path;
    this.clock = clock;
    this.checkedAt = clock.monotonic();
  }

  /** Whether it is time to look. Then it is not for a while. */
  isDue(): boolean {
    const now = this.clock.monotonic();
    if (now - this.checkedAt < CHECKED_EVERY) return false;
    this.checkedAt = now;
    return true;
  }

  /**
   * Whether everything is there that git needs. The names are counted: only a deletion changes their number.
   * @param packFiles that are in the folder of packs at least
   */
  async isWhole(packFiles: number): Promise<boolean> {
    try {
      const [entries, packs] = await Promise.all([
        readdir(this.path),
        readdir(join(this.path, 'objects', 'pack')),
      ]);
      return entries.length >= ENTRIES && packs.length >= packFiles;
    } catch (error) {
      // Another fault of the disk says nothing about the files, and git reports it.
      const code = systemCode(error);
      return code !== 'ENOENT' && code !== 'ENOTDIR';
    }
  }
}
