import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../lib/make-folder.ts';

/** A file in the cache folder. */
export interface CachedFile {
  /** Bytes. */
  readonly size: number;
  /** How many it must not be taken from: readers, and whoever is filling or checking it. */
  pins: number;
  /** False for a file of an earlier run until its digest has been checked again: nothing here is ever fsynced. */
  verified: boolean;
}

/**
 * The files of a folder within a byte budget: those used least recently leave, but never one that is pinned. Pinned
 * files may exceed the budget for as long as they are pinned.
 */
export class CachedFiles {
  private readonly folder: string;
  private readonly budget: number;
  /** In the order they were last used. */
  private readonly files = new Map<string, CachedFile>();
  /** Files being deleted: a new one of that name waits, or it would be deleted in their place. */
  private readonly leaving = new Map<string, Promise<void>>();
  private total = 0;
  /** Asked to unpin what it can when pinned files alone exceed the budget. */
  onPressure: () => Promise<void> = () => Promise.resolve();

  /** @param budget bytes */
  constructor(folder: string, budget: number) {
    this.folder = folder;
    this.budget = budget;
  }

  /** Takes stock of what an earlier run left, and removes its half-filled files. */
  async open(): Promise<void> {
    await makeFolder(this.folder);
    for (const shard of await readdir(this.folder)) {
      for (const name of await readdir(join(this.folder, shard))) {
        const path = join(this.folder, shard, name);
        if (name.includes('.tmp-')) await rm(path, { force: true });
        else this.enter(name, { size: (await stat(path)).size, pins: 0, verified: false });
      }
    }
    await this.makeRoom();
  }

  /** Bytes of all files. */
  get bytes(): number {
    return this.total;
  }

  get(name: string): CachedFile | undefined {
    return this.files.get(name);
  }

  pathOf(name: string): string {
    return join(this.folder, name.slice(0, 2), name);
  }

  /** Counts a file that is in its place now. */
  enter(name: string, file: CachedFile): void {
    if (this.files.get(name) === file) return;
    this.files.set(name, file);
    this.total += file.size;
  }

  /** Marks a file as used last, and keeps it until the function that is returned is called. It may yet have to come. */
  pin(name: string, file: CachedFile): () => void {
    file.pins++;
    if (this.files.delete(name)) this.files.set(name, file);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      file.pins--;
      // What was too large for the budget leaves with its last reader.
      if (file.pins === 0 && this.total > this.budget) void this.evict(this.budget);
    };
  }

  /** Lets files go until the rest fits. @param budget bytes, other than the usual ones */
  async makeRoom(budget = this.budget): Promise<void> {
    if (this.total <= budget) return;
    await this.evict(budget);
    if (this.total <= budget) return;
    await this.onPressure();
    await this.evict(budget);
  }

  private async evict(budget: number): Promise<void> {
    for (const [name, file] of this.files) {
      if (this.total <= budget) return;
      if (file.pins === 0) await this.remove(name);
    }
  }

  /** Deletes a file, pinned or not. It is forgotten at once. */
  async remove(name: string): Promise<void> {
    const file = this.files.get(name);
    if (file === undefined) return;
    this.files.delete(name);
    this.total -= file.size;
    // Best effort: what cannot be removed now is found again, and removed, at the next start.
    const gone = rm(this.pathOf(name), { force: true })
      .catch(() => undefined)
      .finally(() => this.leaving.delete(name));
    this.leaving.set(name, gone);
    await gone;
  }

  /** Waits until no file is being deleted under this name. */
  async vacant(name: string): Promise<void> {
    await this.leaving.get(name);
  }
}
