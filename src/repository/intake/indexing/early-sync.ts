import { open } from 'node:fs/promises';
import { diskFault } from '../../../lib/disk-full.ts';

/** Bytes between two syncs: some hundred milliseconds of a slow disk. */
const STEP = 32 * 1024 * 1024;

/** A file that can be made durable, as far as it has come. */
export interface Syncable {
  sync(): Promise<void>;
}

/**
 * Makes a pack durable while it grows and git works on it. Its disk is then done soon after git is, and a store that keeps the
 * file has little left to wait for. A failure counts: the system reports an error of the disk once, and whoever syncs the file later may not hear of it.
 */
export class EarlySync {
  private readonly pack: Syncable;
  private synced = 0;
  private running: Promise<void> | undefined;
  private failure: { readonly error: unknown } | undefined;

  constructor(pack: Syncable) {
    this.pack = pack;
  }

  /** @param bytes of the pack that git was given so far */
  grown(bytes: number): void {
    if (this.running !== undefined || this.failure !== undefined || bytes - this.synced < STEP) return;
    this.synced = bytes;
    this.running = this.sync();
  }

  /** Waits for what was begun. */
  async settled(): Promise<void> {
    await this.running;
  }

  /** @throws as {@link syncFile}, if anything failed so far */
  mustBeDurable(): void {
    if (this.failure !== undefined) throw notDurable(this.failure.error);
  }

  private async sync(): Promise<void> {
    try {
      await this.pack.sync();
    } catch (error) {
      this.failure = { error };
    } finally {
      this.running = undefined;
    }
  }
}

/**
 * Makes a finished file durable.
 * @throws DiskFullError; CairnError `unavailable` when the disk refuses
 */
export async function syncFile(path: string): Promise<void> {
  try {
    const file = await open(path, 'r');
    try {
      await file.datasync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw notDurable(error);
  }
}

function notDurable(error: unknown): Error {
  return diskFault(error, 'to take in this push', 'the scratch folder cannot be made durable');
}
