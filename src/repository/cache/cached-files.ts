import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, PRIVATE_FOLDER } from '../../lib/make-folder.ts';

/** A file in the cache folder. */
export interface CachedFile {
  /** Bytes. */
  readonly size: number;
  /** The number of users that prevent its deletion: readers, and the fill or check of the file. */
  pins: number;
  /** False for a file of an earlier run until its digest is checked, because nothing here is ever fsynced. */
  verified: boolean;
}

/**
 * The files of a folder within a byte budget. The least recently used files are evicted, but never a pinned one.
 * Pinned files may exceed the budget while they are pinned.
 */
export class CachedFiles {
  private readonly folder: string;
  private readonly budget: number;
  /** In the order of their last use. */
  private readonly files = new Map<string, CachedFile>();
  /** Files being deleted. A new file of the same name waits; otherwise the delete would remove it instead. */
  private readonly leaving = new Map<string, Promise<void>>();
  private total = 0;
  /** Called to unpin files when pinned files alone exceed the budget. */
  onPressure: () => Promise<void> = () => Promise.resolve();

  /** @param budget bytes */
  constructor(folder: string, budget: number) {
    this.folder = folder;
    this.budget = budget;
  }

  /** Lists the files of an earlier run, and removes incomplete ones. */
  async open(): Promise<void> {
    await makeFolder(this.folder, PRIVATE_FOLDER);
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

  /** Adds a file that is now in place. It replaces one of this name that was deleted by somebody else. */
  enter(name: string, file: CachedFile): void {
    const before = this.files.get(name);
    if (before === file) return;
    this.files.set(name, file);
    this.total += file.size - (before?.size ?? 0);
  }

  /**
   * Forgets a file that somebody else has deleted, unless another one has replaced it. Those who pin it may still have
   * it open or linked; their pins say nothing about the file that comes next.
   */
  forget(name: string, file: CachedFile): void {
    if (this.files.get(name) !== file) return;
    this.files.delete(name);
    this.total -= file.size;
  }

  /**
   * Marks a file as most recently used, and keeps it until the returned function is called. The file need not exist
   * yet.
   */
  pin(name: string, file: CachedFile): () => void {
    file.pins++;
    if (this.files.delete(name)) this.files.set(name, file);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      file.pins--;
      // A file that is too large for the budget is evicted with its last reader.
      if (file.pins === 0 && this.total > this.budget) void this.evict(this.budget);
    };
  }

  /** Evicts files until the rest fits. @param budget bytes, if not the usual budget */
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

  /** Deletes a file, even a pinned one. It is forgotten at once. */
  async remove(name: string): Promise<void> {
    const file = this.files.get(name);
    if (file === undefined) return;
    this.files.delete(name);
    this.total -= file.size;
    // Best effort: the next start finds and removes what cannot be removed now.
    const gone = rm(this.pathOf(name), { force: true })
      .catch(() => undefined)
      .finally(() => this.leaving.delete(name));
    this.leaving.set(name, gone);
    await gone;
  }

  /** Waits until no file with this name is being deleted. */
  async vacant(name: string): Promise<void> {
    await this.leaving.get(name);
  }
}
