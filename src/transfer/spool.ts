import { type FileHandle, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { DiskFullError, isDiskFull } from '../lib/disk-full.ts';
import { CairnError, messageOf } from '../lib/errors.ts';
import { inFolder } from '../lib/in-folder.ts';
import { Signal } from '../lib/signal.ts';

/** Bytes that one spool keeps in memory; the rest goes to a file. */
const IN_MEMORY = 1024 * 1024;
/** Bytes that all spools together keep in memory. */
const ALL_IN_MEMORY = 64 * 1024 * 1024;
/** One caller may use at most this fraction (1/n) of the room. */
const SHARE = 2;
const READ_BYTES = 128 * 1024;

/** Disk space, and some memory, for requests from slow clients and responses to them. It is shared out by caller. */
export class SpoolRoom {
  private readonly folder: string;
  private readonly bytes: number;
  private readonly callers = new Map<string, number>();
  /** The clock that measures how slow clients are. */
  readonly clock: Pick<Clock, 'monotonic'>;
  private readonly onSize: (bytes: number) => void;
  private taken = 0;
  private remembered = 0;
  private files = 0;

  /**
   * @param folder of scratch files
   * @param bytes on disk for all spools together; one caller gets at most half of them
   * @param onSize is called with the bytes on disk whenever they change
   */
  constructor(
    folder: string,
    bytes: number,
    clock: Pick<Clock, 'monotonic'>,
    onSize: (bytes: number) => void = () => undefined,
  ) {
    this.clock = clock;
    this.onSize = onSize;
    this.folder = folder;
    this.bytes = bytes;
  }

  /** Makes an empty spool, which takes no room yet. @param caller the caller whose share it uses */
  open(caller: string): Spool {
    return new Spool(join(this.folder, `spool-${this.files++}`), {
      takeDisk: (bytes) => this.takeDisk(caller, bytes),
      freeDisk: (bytes) => this.takeDisk(caller, -bytes),
      takeMemory: (bytes) => this.takeMemory(bytes),
    });
  }

  private takeDisk(caller: string, bytes: number): boolean {
    const mine = (this.callers.get(caller) ?? 0) + bytes;
    if (bytes > 0 && (this.taken + bytes > this.bytes || mine > this.bytes / SHARE)) return false;
    this.taken += bytes;
    this.onSize(this.taken);
    if (mine === 0) this.callers.delete(caller);
    else this.callers.set(caller, mine);
    return true;
  }

  private takeMemory(bytes: number): boolean {
    if (bytes > 0 && this.remembered + bytes > ALL_IN_MEMORY) return false;
    this.remembered += bytes;
    return true;
  }
}

interface Room {
  takeDisk(bytes: number): boolean;
  freeDisk(bytes: number): void;
  takeMemory(bytes: number): boolean;
}

/** Bytes from one writer for one reader, who reads them once and in order. The first are in memory, the rest in a file. */
export class Spool {
  private readonly path: string;
  private readonly room: Room;
  private readonly changed = new Signal();
  private memory: Buffer[] = [];
  private inMemory = 0;
  private inFile = 0;
  private file: Promise<FileHandle> | undefined;
  private ended = false;
  private dropped = false;

  constructor(path: string, room: Room) {
    this.path = path;
    this.room = room;
  }

  /** Bytes appended so far. */
  size = 0;

  /**
   * Appends bytes. They must not be changed afterwards.
   * @returns false if there is no room; then nothing was appended
   * @throws DiskFullError; CairnError `unavailable` if the file cannot be written
   */
  async append(bytes: Buffer): Promise<boolean> {
    if (this.dropped) return false;
    if (
      this.file === undefined &&
      this.size + bytes.length <= IN_MEMORY &&
      this.room.takeMemory(bytes.length)
    ) {
      this.memory.push(bytes);
      this.inMemory += bytes.length;
    } else {
      if (!this.room.takeDisk(bytes.length)) return false;
      await this.writeToFile(bytes);
    }
    this.size += bytes.length;
    this.changed.notify();
    return true;
  }

  /** Ends the spool: the reader ends after what was appended. */
  end(): void {
    this.ended = true;
    this.changed.notify();
  }

  /**
   * Reads everything appended, also what is appended meanwhile. Call it once.
   * @throws CairnError `unavailable` if the file cannot be read
   */
  async *read(): AsyncGenerator<Buffer, void, undefined> {
    for (let position = 0; !this.dropped; ) {
      const bytes = this.memory.shift();
      if (bytes !== undefined) {
        this.forget(bytes.length);
        yield bytes;
      } else if (position < this.inFile) {
        const piece = await this.readFromFile(position);
        position += piece.length;
        yield piece;
      } else if (this.ended) return;
      else await this.changed.wait();
    }
  }

  /** Frees memory and disk. A reader gets nothing more. */
  async drop(): Promise<void> {
    if (this.dropped) return;
    this.dropped = true;
    this.changed.notify();
    this.memory = [];
    this.forget(this.inMemory);
    const { file } = this;
    if (file === undefined) return;
    // Best effort: the folder is emptied at the next start.
    await file.then((handle) => handle.close()).catch(() => undefined);
    await rm(this.path, { force: true }).catch(() => undefined);
    this.room.freeDisk(this.inFile);
  }

  private forget(bytes: number): void {
    this.inMemory -= bytes;
    this.room.takeMemory(-bytes);
  }

  private async writeToFile(bytes: Buffer): Promise<void> {
    try {
      this.file ??= inFolder(dirname(this.path), () => open(this.path, 'wx+'));
      const file = await this.file;
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await file.write(bytes, done, bytes.length - done, this.inFile + done);
        done += bytesWritten;
      }
      if (this.dropped) this.room.freeDisk(bytes.length);
      else this.inFile += bytes.length;
    } catch (error) {
      this.room.freeDisk(bytes.length);
      if (this.dropped) return;
      if (isDiskFull(error)) throw new DiskFullError('to spool what slow clients send and receive', error);
      throw unavailable('written', error);
    }
  }

  private async readFromFile(position: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, this.inFile - position));
    try {
      const file = await this.file;
      const read = (await file?.read(buffer, 0, buffer.length, position))?.bytesRead ?? 0;
      if (read > 0) return buffer.subarray(0, read);
    } catch (error) {
      throw unavailable('read', error);
    }
    throw unavailable('read', new Error('it is shorter than it was'));
  }
}

function unavailable(what: string, cause: unknown): CairnError {
  return new CairnError('unavailable', `a scratch file cannot be ${what}: ${messageOf(cause)}`, { cause });
}
