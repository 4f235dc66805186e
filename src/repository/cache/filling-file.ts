import { type FileHandle, open } from 'node:fs/promises';
import { publicError } from '../../lib/errors.ts';

/**
 * A file of known length that is read while it is written. Writers write at any offset, in any order. Each reader
 * gets the bytes in order, as far as they are there without a gap, at its own pace. The file stays open until all
 * holders have released it, even if its name changes.
 */
export class FillingFile {
  readonly size: number;
  private readonly handle: FileHandle;
  private holders = 1;
  /** All bytes before this offset have arrived. */
  private reached: number;
  /** The end of each part that was begun, by its start. */
  private readonly parts = new Map<number, number>();
  private front = 0;
  private failure: { readonly error: unknown } | undefined;
  private growth: Growth | undefined;

  private constructor(handle: FileHandle, size: number, reached: number) {
    this.handle = handle;
    this.size = size;
    this.reached = reached;
  }

  /** Creates a file of `size` bytes. @throws errors of the file system */
  static async create(path: string, size: number): Promise<FillingFile> {
    return new FillingFile(await open(path, 'wx+'), size, 0);
  }

  /** Opens a complete file. @throws errors of the file system */
  static async whole(path: string, size: number): Promise<FillingFile> {
    return new FillingFile(await open(path, 'r'), size, size);
  }

  /**
   * Writes bytes at the offset `at`, as the next bytes of the part that starts at `start`.
   * @throws errors of the file system; the same write may be repeated
   */
  async write(start: number, at: number, bytes: Buffer): Promise<void> {
    // A disk that is nearly full may write only a part without an error.
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
      // A part that has not reached the start of the next is still growing.
      if (next === undefined) break;
      this.front = end;
      end = next;
    }
    this.wake();
  }

  /** Ends the file with an error: from now on every reader gets it, at any position. */
  fail(error: unknown): void {
    this.failure ??= { error };
    this.wake();
  }

  /**
   * Reads bytes of [from, to) as soon as the first of them has arrived.
   * @param places where they go, filled in order
   * @returns how many were read: at least one
   * @throws the error of the file; CairnError `unavailable` when the file has become shorter
   */
  async read(places: readonly Buffer[], from: number, to: number): Promise<number> {
    while (this.reached <= from && this.failure === undefined) await this.grown();
    if (this.failure !== undefined) throw this.failure.error;
    const { bytesRead } = await this.handle.readv(firstOf(places, Math.min(this.reached, to) - from), from);
    if (bytesRead === 0) throw publicError('unavailable', 'a file of the artifact cache has lost its end');
    return bytesRead;
  }

  /**
   * Keeps the file open.
   * @returns the function that releases it; undefined when it is already closed because all holders have released it
   */
  hold(): (() => void) | undefined {
    if (this.holders === 0) return undefined;
    this.holders++;
    return this.releaseOnce();
  }

  /** Releases the file for its creator. */
  readonly release: () => void = this.releaseOnce();

  private releaseOnce(): () => void {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.holders--;
      // A failure to close loses nothing: the bytes have been read back and checked.
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

/** The first `length` bytes of several places, or all. */
function firstOf(places: readonly Buffer[], length: number): Buffer[] {
  const first: Buffer[] = [];
  for (let at = 0, left = length; at < places.length && left > 0; at++) {
    const place = places[at];
    if (place === undefined) break;
    first.push(place.subarray(0, left));
    left -= place.length;
  }
  return first;
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
