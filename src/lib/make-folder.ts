import { chmod, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CairnError, messageOf, systemCode } from './errors.ts';

/** Only the user this process runs as may look into a folder of this mode. */
export const PRIVATE_FOLDER = 0o700;

/** Another process may remove a parent between two steps; a place where no folder can be (`/proc/x`) looks the same. */
const TRIES = 3;

/**
 * Makes a folder with all that is missing above it. Node's own recursive mkdir never returns for a path whose parent can
 * neither be found nor made, such as `/proc/x/y`, and keeps one CPU busy meanwhile: this one gives up.
 * @param mode the mode of every folder made, whatever the umask; left out, the umask decides. A folder that is there
 * already keeps its mode.
 * @returns the uppermost folder that was made; undefined when all were there
 * @throws the error of the system (`EACCES`, `ENOTDIR`, `ENOENT`, …) that stood in the way
 */
export async function makeFolder(path: string, mode?: number): Promise<string | undefined> {
  let uppermost: string | undefined;
  for (let attempt = 1; ; attempt++) {
    try {
      await mkdir(path, mode);
      if (mode !== undefined) await chmod(path, mode);
      return uppermost ?? path;
    } catch (error) {
      if (await isFolder(path)) return uppermost;
      const parent = dirname(path);
      if (systemCode(error) !== 'ENOENT' || parent === path || attempt === TRIES) throw error;
      uppermost = (await makeFolder(parent, mode)) ?? uppermost;
    }
  }
}

/**
 * Makes a folder for what only this user may read, or takes one that is there if nobody else can look into it.
 * @param what what the folder is for, in messages: `cache`
 * @throws CairnError `forbidden` when others may read or change it; `unavailable` when it cannot be made
 */
export async function openPrivateFolder(path: string, what: string): Promise<void> {
  try {
    await makeFolder(path, PRIVATE_FOLDER);
  } catch (error) {
    throw new CairnError('unavailable', `the ${what} folder ${path} cannot be made: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (await isOpenToOthers(path)) {
    throw new CairnError(
      'forbidden',
      `others may read or change the ${what} folder ${path}: run "chmod 700 ${path}", or choose a folder that is used for nothing else`,
    );
  }
}

/** Whether users other than the owner of a folder have any right to it. */
export async function isOpenToOthers(path: string): Promise<boolean> {
  return ((await stat(path)).mode & 0o077) !== 0;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    // Not there, or not to be looked at: the error of mkdir says which.
    return false;
  }
}
