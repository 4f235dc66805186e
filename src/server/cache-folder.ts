import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CairnError, messageOf } from '../lib/errors.ts';
import { openPrivateFolder } from '../lib/make-folder.ts';
import { claimFolder } from '../object-store/file/folder-ownership.ts';

export interface CacheFolder {
  /** Empty at start; for files that may be lost when this process ends. */
  readonly scratch: string;
  /** Releases the folder for another process. */
  release(): Promise<void>;
}

/**
 * Claims the cache folder and empties its scratch folder.
 * @throws CairnError `unavailable` when another process owns it, or when it cannot be created or written; `forbidden`
 * when other users can read it
 */
export async function openCacheFolder(folder: string): Promise<CacheFolder> {
  const scratch = join(folder, 'scratch');
  await openPrivateFolder(folder, 'cache');
  const ownership = await claimFolder(folder, 'cache');
  try {
    await rm(scratch, { recursive: true, force: true });
    await mkdir(scratch);
  } catch (error) {
    await ownership.release();
    throw new CairnError('unavailable', `the cache folder ${folder} cannot be written: ${messageOf(error)}`);
  }
  return { scratch, release: () => ownership.release() };
}
