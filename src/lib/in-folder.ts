import { systemCode } from './errors.ts';
import { makeFolder, PRIVATE_FOLDER } from './make-folder.ts';

/**
 * Does something in a folder that somebody may delete meanwhile, such as one for temporary files. If something is
 * missing there, the folder is created and the work is done once more.
 * @throws what `work` throws; errors of the system
 */
export async function inFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    await makeFolder(folder, PRIVATE_FOLDER);
    return work();
  }
}
