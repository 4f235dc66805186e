import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { CairnError } from '../../lib/errors.ts';
import { scratchError } from '../../lib/scratch-files.ts';
import type { PayloadSpool } from './clone-staging.ts';

/** Bytes that are collected before they are written: most payloads have a few hundred. */
const WRITE_BYTES = 1 << 20;

/** A spool in a file, for projects that are larger than memory. */
export class FileSpool implements PayloadSpool {
  private readonly file: FileHandle;
  private pending: Uint8Array[] = [];
  private pendingBytes = 0;
  /** Bytes that are in the file. */
  private written = 0;

  private constructor(file: FileHandle) {
    this.file = file;
  }

  /** @param folder for scratch files; its owner removes it */
  static async create(folder: string): Promise<FileSpool> {
    const file = await open(join(folder, 'clone-pages'), 'wx+').catch((error: unknown) => {
      throw scratchError(error);
    });
    return new FileSpool(file);
  }

  async append(payload: Uint8Array): Promise<number> {
    const place = this.written + this.pendingBytes;
    if (payload.length >= WRITE_BYTES) {
      await this.flush();
      await this.write(payload);
      return place;
    }
    // A copy: the payload is a view of a whole page.
    this.pending.push(Uint8Array.from(payload));
    this.pendingBytes += payload.length;
    if (this.pendingBytes >= WRITE_BYTES) await this.flush();
    return place;
  }

  async read(place: number, length: number): Promise<Uint8Array> {
    if (place + length > this.written) await this.flush();
    const payload = Buffer.allocUnsafe(length);
    for (let at = 0; at < length; ) {
      const { bytesRead } = await this.file.read(payload, at, length - at, place + at);
      if (bytesRead === 0) throw new CairnError('unavailable', 'the scratch file of a clone was cut short');
      at += bytesRead;
    }
    return payload;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.file.close();
  }

  private async flush(): Promise<void> {
    const bytes = Buffer.concat(this.pending, this.pendingBytes);
    await this.write(bytes);
    this.pending = [];
    this.pendingBytes = 0;
  }

  private async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length; ) {
        at += (await this.file.write(bytes, at, bytes.length - at, this.written + at)).bytesWritten;
      }
    } catch (error) {
      throw scratchError(error);
    }
    this.written += bytes.length;
  }
}
