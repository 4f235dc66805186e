import { type FileHandle, open } from 'node:fs/promises';
import { publicError } from '../../lib/errors.ts';

/** Bytes read from disk at once for one reader. */
const CHUNK = 256 * 1024;

/**
 * A file of known length that is read while it is written. Writers put bytes at their places, in any order; each reader
 * gets them in order, as far as they are there without a gap, at a pace of its own. The file stays open until
 * everybody who holds it has let go, whatever becomes of its name meanwhile.
 */
export class FillingFile {
  readonly size: number;
  private readonly handle: FileHandle;
  private holders = 1;
  /** Everything before this is here. */
  private reached: number;
  /** How far each part that was begun has come, by where it begins. */
  private readonly parts = new Map<number, number>();
  private front = 0;
  private failure: { readonly error: unknown } | undefined;
  private growth: Growth | undefined;

  private constructor(handle: FileHandle, size: number, reached: number) {
    this.handle = handle;
    this.size = size;
    this.reached = reached;
  }

  /** Makes a file that `size` bytes will come into. @throws what the file system throws */
  static async create(path: string, size: number): Promise<FillingFile> {
    return new FillingFile(await open(path, 'wx+'), size, 0);
  }

  /** Opens a file whose bytes are all there. @throws what the file system throws */
  static async whole(path: string, size: number): Promise<FillingFile> {
    return new FillingFile(await open(path, 'r'), size, size);
  }

  /**
   * Writes bytes that belong `at` a place, the next ones of the part that begins at `start`.
   * @throws what the file system throws; the same write may then be tried again
   */
  async write(start: number, at: number, bytes: Buffer): Promise<void> {
    // A disk that is filling up may take a part of the bytes and say nothing.
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.handle.write(bytes, done, bytes.length - done, at + done);
      done += bytesWritten;
    }
    this.parts.set(start, at + bytes.length);
    this.advance();
  }

  private advance(): void {
    let end = this.parts.get(this.front);
    while (end !== undefined) {
      this.reached = end;
      const next = this.parts.get(end);
      // A part that has not come to where another begins is still growing.
      if (next === undefined) break;
      this.front = end;
      end = next;
    }
    this.wake();
  }

  /** Nothing more comes: from now on every reader gets this error, wherever it is. */
  fail(error: unknown): void {
    this.failure ??= { error };
    this.wake();
  }

  /**
   * Bytes [from, to) in order, each as soon as it is here.
   * @throws what the file failed with; CairnError `unavailable` when the file has become shorter than it was
   */
  async *bytes(from: number, to: number): AsyncGenerator<Buffer, void, undefined> {
    for (let at = from; at < to; ) {
      if (this.failure !== undefined) throw this.failure.error;
      const length = Math.min(CHUNK, this.reached - at, to - at);
      if (length <= 0) {
        await this.grown();
        continue;
      }
      const { bytesRead, buffer } = await this.handle.read(Buffer.allocUnsafe(length), 0, length, at);
      if (bytesRead === 0) throw publicError('unavailable', 'a file of the artifact cache has lost its end');
      at += bytesRead;
      yield bytesRead === length ? buffer : buffer.subarray(0, bytesRead);
    }
  }

  /**
   * Keeps the file open.
   * @returns the function that lets go; undefined when everybody has let go already, and it is closed
   */
  hold(): (() => void) | undefined {
    if (this.holders === 0) return undefined;
    this.holders++;
    return this.releaseOnce();
  }

  /** Lets go of it on behalf of whoever made it. */
  readonly release: () => void = this.releaseOnce();

  private releaseOnce(): () => void {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.holders--;
      // Nothing is lost when closing fails: what was written has been read back and checked.
      if (this.holders === 0) void this.handle.close().catch(() => undefined);
    };
  }

  private grown(): Promise<void> {
    this.growth ??= withResolvers();
    return this.growth.promise;
  }

  private wake(): void {
    this.growth?.resolve();
    this.growth = undefined;
  }
}

interface Growth {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function withResolvers(): Growth {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
