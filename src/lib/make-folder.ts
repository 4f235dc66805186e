import type { Stats } from 'node:fs';
import { chmod, lstat, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CairnError, messageOf, systemCode } from './errors.ts';

/** The mode of a folder that only this process's user may read. */
export const PRIVATE_FOLDER = 0o700;

/** The user that may do anything in any case. */
const ROOT = 0;

/** Another process may remove a parent between two steps. A place that cannot have folders (`/proc/x`) looks the same. */
const TRIES = 3;

/**
 * Creates a folder and its missing parents. Node's own recursive mkdir never returns for a path whose parent can neither be
 * found nor created, such as `/proc/x/y`, and keeps a CPU busy; this one gives up.
 * @param mode the mode of every folder that is created, whatever the umask; if not given, the umask decides. An existing
 * folder keeps its mode.
 * @returns the uppermost folder that was created; undefined when all existed
 * @throws the error of the system (`EACCES`, `ENOTDIR`, `ENOENT`, …)
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
 * Creates a folder that only this user may read, or takes an existing one if nobody else can read it.
 * @param what what the folder is for, in messages: `cache`
 * A link that this user or root has made is followed: its folder may be on another disk.
 * @throws CairnError `forbidden` when others may read or change it; `unavailable` when it cannot be created
 */
export async function openPrivateFolder(path: string, what: string): Promise<void> {
  try {
    await makeFolder(path, PRIVATE_FOLDER);
  } catch (error) {
    throw new CairnError('unavailable', `the ${what} folder ${path} cannot be created: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const [named, found] = [await lstat(path), await stat(path)];
  const isOfAnother = !isOwn(found) || (named.isSymbolicLink() && !isOwn(named) && named.uid !== ROOT);
  if (isOfAnother) {
    throw new CairnError(
      'forbidden',
      `the ${what} folder ${path} belongs to another user, who may read and change it: choose another one, or change its owner`,
    );
  }
  if (isOpen(found)) {
    throw new CairnError(
      'forbidden',
      `others may read or change the ${what} folder ${path}: run "chmod 700 ${path}", or choose a folder that is used for nothing else`,
    );
  }
}

/**
 * Creates a folder that belongs to this user alone, or takes an existing one that does. For a name that others can guess, in a
 * place where they may write: they could have made it first, or a link, to choose what is read there.
 * @param what what the folder is for, in messages: `conversion`
 * @throws CairnError `forbidden` for anything else of that name; `unavailable` when it cannot be created
 */
export async function openOwnFolder(path: string, what: string): Promise<void> {
  try {
    await makeFolder(dirname(path), PRIVATE_FOLDER);
    await makeUnlessThere(path);
  } catch (error) {
    throw new CairnError('unavailable', `the ${what} folder ${path} cannot be created: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const found = await lstat(path);
  // The mode of a folder counts, not special bits that the file system hands down (setgid).
  if (found.isDirectory() && isOwn(found) && (found.mode & 0o777) === PRIVATE_FOLDER) return;
  throw new CairnError(
    'forbidden',
    `${path} is not a folder that belongs to you alone (mode 700): remove it, or choose another place for the ${what} folder`,
  );
}

/** Makes a folder where nothing is, and follows no link. */
async function makeUnlessThere(path: string): Promise<void> {
  try {
    await mkdir(path, PRIVATE_FOLDER);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

/** True when users other than the owner of a folder have any right to it. */
export async function isOpenToOthers(path: string): Promise<boolean> {
  return isOpen(await stat(path));
}

function isOpen({ mode }: Stats): boolean {
  return (mode & 0o077) !== 0;
}

/** True for what belongs to the user of this process; for everything where there are no users. */
function isOwn({ uid }: Stats): boolean {
  return process.getuid === undefined || uid === process.getuid();
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    // It does not exist or cannot be read: the error of mkdir tells which.
    return false;
  }
}
