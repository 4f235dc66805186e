/**
 * One answer that is written to a file while it is produced, and read from there by all who asked the same.
 *
 * The producer runs at the speed of git and of the local disk; each reader follows at his own pace and holds up nobody,
 * neither the others nor git. Whoever is in step gets the newest piece from memory, the others read the file. When the
 * disk takes no more, pieces are handed on from memory alone: from then on git waits for the slowest reader, and nobody
 * new can join, but everybody who has begun gets the whole answer.
 */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { CairnError, isCairnError, messageOf, systemCode } from '../../lib/errors.ts';
import { Signal } from '../../lib/signal.ts';
import type { Output } from '../output.ts';

/**
 * Makes an answer and writes it to `sink`; stops when the signal is aborted, or when a write returns false. Buffers it has
 * written are not changed afterwards.
 * @returns `flawed` for an answer that is whole but of no use to anybody else: git has said in it what went wrong
 */
export type Produce = (sink: Output, signal: AbortSignal) => Promise<unknown>;

/** The disk the recordings share. */
export interface RecordingRoom {
  /** Asks for `bytes` more. @returns false when there is no room: the recording must do without */
  take(bytes: number): boolean;
  /** Gives back what was taken. */
  free(bytes: number): void;
  /** The disk is full: gives up what nobody uses. */
  relieve(): Promise<void>;
}

/**
 * - `open`    under way, and new readers get all of it
 * - `closed`  under way, but its beginning is not kept for new readers, or it is too long to be kept
 * - `whole`   on disk from beginning to end
 * - `over`    failed, or nobody wanted it any more, or it could not be kept
 */
export type RecordingState = 'open' | 'closed' | 'whole' | 'over';

interface Reader {
  position: number;
}

const READ_BYTES = 128 * 1024;
/** What a file costs besides its bytes. */
const FILE_BYTES = 4096;

export class ResponseRecording {
  private readonly path: string;
  private readonly room: RecordingRoom;
  private readonly longest: number;
  private readonly bell = new Signal();
  private readonly readers = new Set<Reader>();
  private readonly stopping = new AbortController();
  private file: Promise<FileHandle> | undefined;
  /** Readers and the producer: while there are any, the file stays, and stays open. */
  private users = 0;
  private taken = 0;
  /** Bytes produced, and how many of them, from the first on, are in the file. */
  private produced = 0;
  private recorded = 0;
  private recording = true;
  /** The newest piece. */
  private tail: { readonly at: number; readonly bytes: Buffer } | undefined;
  private end: 'not yet' | 'whole' | 'unkept' | { readonly failure: unknown } = 'not yet';
  private discarded = false;

  /**
   * @param path of a file that does not exist
   * @param longest bytes; a longer answer is not kept, and takes no new readers once it turns out to be
   */
  constructor(path: string, room: RecordingRoom, longest: number) {
    this.path = path;
    this.room = room;
    this.longest = longest;
  }

  get state(): RecordingState {
    if (this.stopping.signal.aborted || this.discarded) return 'over';
    if (this.end === 'whole') return 'whole';
    if (this.end !== 'not yet') return 'over';
    return this.recording && !this.tooLong ? 'open' : 'closed';
  }

  get tooLong(): boolean {
    return this.produced > this.longest;
  }

  get idle(): boolean {
    return this.users === 0;
  }

  /**
   * Runs the producer, to its end or until the last reader has gone: an answer nobody waits for is not worth git's time,
   * and since the file grows as fast as git can, little is lost with one whose reader was merely slow.
   * @returns true when the whole answer is in the file; otherwise the recording is of no further use
   */
  async run(produce: Produce): Promise<boolean> {
    this.users++;
    try {
      const { signal } = this.stopping;
      const said = await produce({ write: (chunk) => this.append(chunk) }, signal);
      signal.throwIfAborted();
      const kept = this.recording && !this.tooLong && this.produced > 0 && said !== 'flawed';
      this.end = kept ? 'whole' : 'unkept';
      return kept;
    } catch (failure) {
      this.end = { failure };
      return false;
    } finally {
      if (this.recorded === this.produced) this.tail = undefined;
      this.bell.notify();
      await this.release();
    }
  }

  /** Ends the producer; readers get `reason`. */
  stop(reason: unknown): void {
    this.stopping.abort(reason);
    this.bell.notify();
  }

  /**
   * Sends the answer from its first byte to its last, as far as it is there, and the rest as it comes. To be called in the
   * same turn in which `state` was `open` or `whole`, or before the producer is started.
   * @throws what the producer failed with, at once; the signal's reason when the client has gone; CairnError
   *   `unavailable` when the file cannot be read
   */
  async follow(output: Output, signal: AbortSignal): Promise<void> {
    const reader: Reader = { position: 0 };
    const wake = () => this.bell.notify();
    this.users++;
    this.readers.add(reader);
    signal.addEventListener('abort', wake);
    try {
      for (;;) {
        signal.throwIfAborted();
        if (typeof this.end === 'object') throw this.end.failure;
        if (reader.position === this.produced) {
          if (this.end !== 'not yet') return;
          // Stopped, and the producer has not noticed yet.
          this.stopping.signal.throwIfAborted();
          await this.bell.wait();
          continue;
        }
        const chunk = await this.read(reader.position);
        if (!(await output.write(chunk))) {
          signal.throwIfAborted();
          return;
        }
        reader.position += chunk.length;
        if (!this.recording) this.bell.notify();
      }
    } finally {
      signal.removeEventListener('abort', wake);
      this.readers.delete(reader);
      if (this.readers.size === 0 && this.end === 'not yet') this.stop(new AbandonedError());
      this.bell.notify();
      await this.release();
    }
  }

  /** Makes sure that a `whole` answer can be read. Its file is then open until `release` is called. @returns false when not */
  async hold(): Promise<boolean> {
    this.users++;
    try {
      await this.opened('r');
      return true;
    } catch {
      // Somebody has emptied the folder: the answer is made once more.
      return false;
    }
  }

  /** One user less. The last one closes the file, and removes it if it has been discarded. */
  async release(): Promise<void> {
    this.users--;
    if (this.users > 0) return;
    const file = this.file;
    this.file = undefined;
    // What was written is read by nobody but this process: an error on closing changes nothing.
    await file?.then((handle) => handle.close()).catch(() => undefined);
    if (this.discarded && this.users === 0) await this.remove();
  }

  /** Removes the file as soon as nobody uses it. */
  async discard(): Promise<void> {
    this.discarded = true;
    if (this.users === 0) await this.remove();
  }

  private async remove(): Promise<void> {
    const taken = this.taken;
    if (taken === 0) return;
    this.taken = 0;
    this.room.free(taken);
    // Best effort: what cannot be removed now is removed at the next start.
    await rm(this.path, { force: true }).catch(() => undefined);
  }

  private async append(chunk: Uint8Array): Promise<boolean> {
    const { signal } = this.stopping;
    if (signal.aborted) return false;
    if (chunk.length === 0) return true;
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    const at = this.produced;
    this.tail = { at, bytes };
    this.produced += bytes.length;
    this.bell.notify();
    if (this.recording && (await this.record(bytes, at))) {
      this.recorded = this.produced;
      return !signal.aborted;
    }
    this.recording = false;
    while (!signal.aborted && this.slowest() < this.produced) await this.bell.wait();
    return !signal.aborted;
  }

  private slowest(): number {
    return Math.min(...[...this.readers].map((reader) => reader.position));
  }

  /** @returns false when the disk does not take it */
  private async record(bytes: Buffer, at: number): Promise<boolean> {
    const needed = bytes.length + (this.taken === 0 ? FILE_BYTES : 0);
    if (!this.room.take(needed)) return false;
    this.taken += needed;
    try {
      await this.write(bytes, at);
      return true;
    } catch (error) {
      if (systemCode(error) !== 'ENOSPC') return false;
    }
    await this.room.relieve();
    return this.write(bytes, at).then(
      () => true,
      () => false,
    );
  }

  private async write(bytes: Buffer, at: number): Promise<void> {
    const file = await this.opened('w+');
    // A disk that is filling up takes a part, says so, and refuses the rest.
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
      done += bytesWritten;
    }
  }

  /** Some of the bytes from `position` on, which have been produced. */
  private async read(position: number): Promise<Buffer> {
    const { tail } = this;
    if (tail !== undefined && position >= tail.at) return tail.bytes.subarray(position - tail.at);
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, this.recorded - position));
    try {
      const file = await this.opened('r');
      const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
      if (bytesRead > 0) return buffer.subarray(0, bytesRead);
    } catch (error) {
      if (isCairnError(error)) throw error;
      throw unreadable(messageOf(error), error);
    }
    throw unreadable('it is shorter than it was');
  }

  private opened(flags: 'r' | 'w+'): Promise<FileHandle> {
    if (this.file !== undefined) return this.file;
    const opening = open(this.path, flags);
    this.file = opening;
    opening.catch(() => {
      if (this.file === opening) this.file = undefined;
    });
    return opening;
  }
}

/** Why an answer is no longer made: nobody waits for it. */
class AbandonedError extends CairnError {
  constructor() {
    super('unavailable', 'nobody waits for this answer any more');
  }
}

function unreadable(reason: string, cause?: unknown): CairnError {
  return new CairnError('unavailable', `an answer kept on disk cannot be read: ${reason}`, {
    cause,
    publicText: 'an answer kept on disk cannot be read',
  });
}
