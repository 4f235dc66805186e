import { type FileHandle, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ByteBudget } from './byte-budget.ts';
import { DiskFullError, isDiskFull } from './disk-full.ts';
import { CairnError, messageOf } from './errors.ts';
import { FileBytes } from './file-bytes.ts';
import { inFolder } from './in-folder.ts';
import { systemRandom } from './random.ts';

/** Bytes that are gathered before they are written. */
const WRITTEN_AT_ONCE = 1 << 18;

/** Disk space for what is too large for memory. */
export class ScratchFiles {
  readonly folder: string;
  private readonly budget: ByteBudget;

  /**
   * @param folder that exists
   * @param bytes of all files together
   */
  constructor(folder: string, bytes: number) {
    this.folder = folder;
    this.budget = new ByteBudget(bytes);
  }

  /** Bytes that are left. */
  get free(): number {
    return this.budget.free;
  }

  /** A path of a file that does not exist. Its owner removes the file. */
  newPath(): string {
    return join(this.folder, `cairn-${systemRandom.hex(12)}`);
  }

  /**
   * An empty file without a name: the system removes it when it is closed, even after a crash.
   * @throws DiskFullError; CairnError `unavailable`
   */
  async open(): Promise<ScratchFile> {
    const path = this.newPath();
    try {
      const file = await inFolder(this.folder, () => open(path, 'wx+'));
      try {
        await rm(path);
      } catch (error) {
        await file.close();
        throw error;
      }
      return new ScratchFile(file, this.budget);
    } catch (error) {
      throw scratchError(error);
    }
  }
}

/** For programs that name no folder. */
export function temporaryScratch(bytes: number): ScratchFiles {
  return new ScratchFiles(tmpdir(), bytes);
}

/** A file of which nothing is left once it is closed. */
export class ScratchFile implements AsyncDisposable {
  private readonly file: FileHandle;
  private readonly budget: ByteBudget;
  private readonly gathered = Buffer.allocUnsafeSlow(WRITTEN_AT_ONCE);
  private waiting = 0;
  private written = 0;
  private taken = 0;
  private closed = false;

  constructor(file: FileHandle, budget: ByteBudget) {
    this.file = file;
    this.budget = budget;
  }

  /** Bytes that were appended. */
  get length(): number {
    return this.written + this.waiting;
  }

  /**
   * Appends bytes, whose memory may change afterwards. One call after another.
   * @throws CairnError `busy` if there is no room; DiskFullError; `unavailable`
   */
  async append(bytes: Uint8Array): Promise<void> {
    if (!this.budget.take(bytes.length)) {
      throw new CairnError('busy', 'too many large files at once, try again in a moment');
    }
    this.taken += bytes.length;
    if (this.waiting + bytes.length > WRITTEN_AT_ONCE) await this.flush();
    if (bytes.length >= WRITTEN_AT_ONCE) return this.write(bytes);
    this.gathered.set(bytes, this.waiting);
    this.waiting += bytes.length;
  }

  /** What was appended up to now. @throws as {@link append} */
  async bytes(): Promise<FileBytes> {
    await this.flush();
    return new FileBytes(this.file, 0, this.written);
  }

  /** Frees the disk space. Nothing reads from the file any more. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    try {
      await this.file.close();
    } finally {
      this.budget.give(this.taken);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async flush(): Promise<void> {
    const bytes = this.gathered.subarray(0, this.waiting);
    this.waiting = 0;
    await this.write(bytes);
  }

  private async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.file.write(bytes, done, bytes.length - done, this.written);
        done += bytesWritten;
        this.written += bytesWritten;
      }
    } catch (error) {
      throw scratchError(error);
    }
  }
}

/** Why a scratch file cannot be written. */
export function scratchError(error: unknown): CairnError {
  if (error instanceof CairnError) return error;
  if (isDiskFull(error)) return new DiskFullError('for large files', error);
  return new CairnError('unavailable', `a scratch file cannot be written: ${messageOf(error)}`, {
    cause: error,
  });
}
