import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { CairnError, messageOf } from '../lib/errors.ts';
import type { FileRange } from './object-store.ts';

/**
 * Opens the file of a body and checks that it has all the bytes of the range before anything is sent.
 * @returns an open handle; the caller closes it
 * @throws CairnError `unavailable` when the file cannot be read, `invalid` when it is too short
 */
export async function openFileRange(body: FileRange): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(body.path, 'r');
  } catch (error) {
    throw new CairnError('unavailable', `cannot read the local file ${body.path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  try {
    const { size } = await handle.stat();
    if (body.offset < 0 || body.length < 0 || body.offset + body.length > size) {
      throw new CairnError(
        'invalid',
        `bytes ${body.offset} to ${body.offset + body.length} are not in ${body.path}, which has ${size}`,
      );
    }
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Reads a small range of a file into memory. Errors as in {@link openFileRange}. */
export async function readFileRange(body: FileRange): Promise<Buffer> {
  const handle = await openFileRange(body);
  try {
    const bytes = Buffer.alloc(body.length);
    let filled = 0;
    while (filled < body.length) {
      const { bytesRead } = await handle.read(bytes, filled, body.length - filled, body.offset + filled);
      if (bytesRead === 0) throw new CairnError('invalid', `${body.path} became shorter while it was read`);
      filled += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}

/** Small, because each chunk is garbage once it is sent: larger chunks leave more garbage between two collections. */
const READ_AHEAD_BYTES = 64 * 1024;

/**
 * Streams a part of an open file and leaves the file open, because other streams may be reading it. Node's own file
 * streams close the handle when they are destroyed, even with `autoClose: false`. When the stream has closed, no read
 * is under way. A file that has become shorter is an error.
 */
export function streamFile(handle: FileHandle, offset: number, length: number): Readable {
  return new FileStream(handle, offset, length);
}

class FileStream extends Readable {
  private readonly handle: FileHandle;
  private position: number;
  private readonly end: number;
  private reading: Promise<void> = Promise.resolve();

  constructor(handle: FileHandle, offset: number, length: number) {
    super({ highWaterMark: READ_AHEAD_BYTES });
    this.handle = handle;
    this.position = offset;
    this.end = offset + length;
  }

  override _read(): void {
    this.reading = this.readNext();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.reading.then(() => callback(error), callback);
  }

  private async readNext(): Promise<void> {
    try {
      const wanted = Math.min(READ_AHEAD_BYTES, this.end - this.position);
      if (wanted === 0) {
        this.push(null);
        return;
      }
      const { buffer, bytesRead } = await this.handle.read(
        Buffer.allocUnsafe(wanted),
        0,
        wanted,
        this.position,
      );
      if (bytesRead === 0) throw new CairnError('invalid', 'the file became shorter while it was sent');
      this.position += bytesRead;
      this.push(buffer.subarray(0, bytesRead));
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
