import { mkdir, mkdtemp, readdir, rm, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFault } from '../../lib/disk-full.ts';
import { inFolder } from '../../lib/in-folder.ts';

/** The scratch object directory of one pack that comes in. It is dropped whole when the intake is over, however it went. */
export interface Quarantine {
  /** The object directory, with nothing in it but `pack`. */
  readonly objects: string;
  drop(): Promise<void>;
}

/**
 * @param scratch the folder to make it in; on the same file system as the artifact cache, which links out of it
 * @throws DiskFullError; CairnError `unavailable` when the disk does not take it for another reason
 */
export async function openQuarantine(scratch: string): Promise<Quarantine> {
  try {
    const objects = await inFolder(scratch, () => mkdtemp(join(scratch, 'push-')));
    await mkdir(join(objects, 'pack'));
    return { objects, drop: () => remove(objects) };
  } catch (error) {
    throw diskFault(error, 'to take in this push', 'the scratch folder cannot be written');
  }
}

/** Removes an object directory. Nearly all contain only packs, so that few system calls are needed. */
async function remove(objects: string): Promise<void> {
  const packs = join(objects, 'pack');
  try {
    await Promise.all((await readdir(packs)).map((name) => unlink(join(packs, name))));
    await rmdir(packs);
    await rmdir(objects);
  } catch {
    await rm(objects, { recursive: true, force: true });
  }
}
