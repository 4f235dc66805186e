import { rmdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from '../../lib/errors.ts';
import type { FolderSync } from './folder-sync.ts';

/** Creates folders durably when objects need them, and removes them when the last object is gone. */
export class FolderTree {
  private readonly root: string;
  private readonly folderSync: FolderSync;
  /** Folders whose own entry in their parent is durable. */
  private readonly durable = new Set<string>();
  /** Number of writes that currently need a folder. */
  private readonly inUse = new Map<string, number>();

  constructor(root: string, folderSync: FolderSync) {
    this.root = root;
    this.folderSync = folderSync;
  }

  /**
   * Creates the folders on the path of an object and prevents their removal while `work` runs. Each folder is made
   * durable in its parent once per process, even if it existed: the process that created it may have been killed
   * before its fsync.
   * @param work receives the last folder
   */
  async within<T>(names: readonly string[], work: (folder: string) => Promise<T>): Promise<T> {
    const folders = this.pathsOf(names);
    for (const folder of folders) this.inUse.set(folder, (this.inUse.get(folder) ?? 0) + 1);
    try {
      const made = folders.filter((folder) => !this.durable.has(folder));
      for (const folder of made) await makeFolder(folder);
      await Promise.all(made.map((folder) => this.folderSync.sync(dirname(folder))));
      for (const folder of made) this.durable.add(folder);
      return await work(folders.at(-1) ?? this.root);
    } finally {
      for (const folder of folders) {
        const users = (this.inUse.get(folder) ?? 1) - 1;
        if (users === 0) this.inUse.delete(folder);
        else this.inUse.set(folder, users);
      }
    }
  }

  /**
   * Removes the empty folders on the path of a deleted object.
   * @returns the folder whose entries changed; the caller makes it durable
   */
  prune(names: readonly string[]): string {
    for (const folder of this.pathsOf(names).reverse()) {
      // The check for users and the removal are one synchronous step: no write can start to need the folder in
      // between.
      if (this.inUse.has(folder) || !removeEmpty(folder)) return folder;
      this.durable.delete(folder);
    }
    return this.root;
  }

  /** Forgets which folders are durable. To be called when somebody else has removed folders. */
  forget(): void {
    this.durable.clear();
  }

  private pathsOf(names: readonly string[]): string[] {
    let path = this.root;
    return names.map((name) => {
      path = join(path, name);
      return path;
    });
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

function removeEmpty(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    // Not empty, or no permission: the folder stays, which does no harm. Already gone: go on with its parent.
    return systemCode(error) === 'ENOENT';
  }
}
