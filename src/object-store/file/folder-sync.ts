import { type FileHandle, open } from 'node:fs/promises';

/** Makes what was written to an open file or folder survive a crash of the machine. */
export type Fsync = (handle: FileHandle) => Promise<void>;

interface Syncing {
  readonly running: Promise<void>;
  next: Promise<void> | undefined;
}

/**
 * Makes entries of folders durable; one fsync serves many callers. A caller may rely only on an fsync that started
 * after its own change. So callers that come during an fsync share the next one.
 */
export class FolderSync {
  private readonly fsync: Fsync;
  private readonly folders = new Map<string, Syncing>();

  constructor(fsync: Fsync) {
    this.fsync = fsync;
  }

  /** Resolves when everything renamed, created or removed in `folder` before the call is durable. */
  sync(folder: string): Promise<void> {
    const syncing = this.folders.get(folder);
    if (syncing === undefined) return this.start(folder);
    // The result of the current fsync does not matter to the next.
    syncing.next ??= syncing.running.then(
      () => this.start(folder),
      () => this.start(folder),
    );
    return syncing.next;
  }

  private start(folder: string): Promise<void> {
    const running = this.syncNow(folder);
    const syncing: Syncing = { running, next: undefined };
    this.folders.set(folder, syncing);
    const forget = () => {
      if (this.folders.get(folder) === syncing && syncing.next === undefined) this.folders.delete(folder);
    };
    running.then(forget, forget);
    return running;
  }

  private async syncNow(folder: string): Promise<void> {
    const handle = await open(folder, 'r');
    try {
      await this.fsync(handle);
    } finally {
      await handle.close();
    }
  }
}
