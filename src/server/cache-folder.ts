import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CairnError, messageOf } from '../lib/errors.ts';
import { openPrivateFolder } from '../lib/make-folder.ts';
import { claimFolder } from '../object-store/file/folder-ownership.ts';

export interface CacheFolder {
  /** Emptied; for what is not to outlive this process. */
  readonly scratch: string;
  /** Lets another process have the folder. */
  release(): Promise<void>;
}

/**
 * Claims the cache folder and empties its scratch folder.
 * @throws CairnError `unavailable` when another process has it, or when it cannot be made or written; `forbidden` when others
 *   may look into it
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
