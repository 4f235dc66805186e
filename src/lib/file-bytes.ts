import type { FileHandle } from 'node:fs/promises';
import { CairnError, messageOf } from './errors.ts';

/** Bytes that are read at once. */
const STEP = 1 << 18;

/** Smaller buffers are parts of a pool, so that a hundred thousand of them are not as many allocations. */
const POOLED = Buffer.poolSize >>> 1;

/** Bytes in memory, or a part of an open file. */
export type Bytes = Uint8Array | FileBytes;

/** A part of an open file, for what is too large for memory. Whoever opened the file closes it. */
export class FileBytes {
  readonly length: number;
  private readonly file: Pick<FileHandle, 'read'>;
  private readonly offset: number;

  constructor(file: Pick<FileHandle, 'read'>, offset: number, length: number) {
    this.file = file;
    this.offset = offset;
    this.length = length;
  }

  /** A part of it. Positions are cut to its length. */
  slice(begin: number, end = this.length): FileBytes {
    const from = Math.min(begin, this.length);
    return new FileBytes(this.file, this.offset + from, Math.max(0, Math.min(end, this.length) - from));
  }

  /**
   * Reads a part into memory; all of it if no part is named.
   * @throws CairnError `unavailable` if the file cannot be read, or is shorter
   */
  async read(begin = 0, end = this.length): Promise<Buffer> {
    const part = this.slice(begin, end);
    const bytes =
      part.length < POOLED ? Buffer.allocUnsafe(part.length) : Buffer.allocUnsafeSlow(part.length);
    await part.fill(bytes, 0, part.length);
    return bytes;
  }

  /**
   * Calls `step` with one piece after another. All of them are in the same memory: a piece is only valid until its step is over.
   * @throws as {@link read}; what `step` throws
   */
  async inPieces(step: (piece: Buffer) => unknown): Promise<void> {
    const room = Buffer.allocUnsafeSlow(Math.min(STEP, this.length));
    for (let at = 0; at < this.length; ) {
      const length = Math.min(STEP, this.length - at);
      await this.fill(room, at, length);
      await step(room.subarray(0, length));
      at += length;
    }
  }

  /** Reads `length` bytes from a position on to the begin of `room`. @throws as {@link read} */
  async fill(room: Buffer, begin: number, length: number): Promise<void> {
    for (let done = 0; done < length; ) {
      const bytesRead = await this.readAt(room, done, length - done, this.offset + begin + done);
      if (bytesRead === 0) throw unreadable('it is shorter than it was');
      done += bytesRead;
    }
  }

  private async readAt(room: Buffer, at: number, length: number, position: number): Promise<number> {
    try {
      return (await this.file.read(room, at, length, position)).bytesRead;
    } catch (error) {
      throw unreadable(messageOf(error), error);
    }
  }
}

/** Calls `step` with the pieces of bytes, one after another: see {@link FileBytes.inPieces}. */
export async function forEachPiece(bytes: Bytes, step: (piece: Uint8Array) => unknown): Promise<void> {
  if (bytes instanceof FileBytes) return bytes.inPieces(step);
  for (let at = 0; at < bytes.length; at += STEP) await step(bytes.subarray(at, at + STEP));
}

/** The bytes in memory. @throws as {@link FileBytes.read} */
export async function inMemory(bytes: Bytes): Promise<Uint8Array> {
  return bytes instanceof FileBytes ? bytes.read() : bytes;
}

function unreadable(why: string, cause?: unknown): CairnError {
  return new CairnError('unavailable', `a file cannot be read: ${why}`, { cause });
}
