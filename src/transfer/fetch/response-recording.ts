/**
 * A response that is written to a file while it is produced, and read from there for all clients with the same request.
 *
 * The producer runs at the speed of git and the local disk. Each reader follows at its own speed and delays neither git nor
 * other readers. A reader that keeps up gets the newest piece from memory; others read the file. If the disk is full, pieces
 * are passed on from memory only. From then on git waits for the slowest reader, and no new reader can join, but readers that
 * have started get the whole response.
 */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isDiskFull } from '../../lib/disk-full.ts';
import { CairnError, isCairnError, messageOf } from '../../lib/errors.ts';
import { inFolder } from '../../lib/in-folder.ts';
import { Signal } from '../../lib/signal.ts';
import type { Output } from '../output.ts';
import { Reused } from '../reused.ts';

/**
 * Produces a response and writes it to `sink`. It stops when the signal is aborted or a write returns false. It must not
 * change buffers after it has written them.
 * @returns `flawed` for a complete response that must not be reused, because git reported an error in it
 */
export type Produce = (sink: Output, signal: AbortSignal) => Promise<unknown>;

/** The disk space that the recordings share. */
export interface RecordingRoom {
  /** Takes `bytes` more. @returns false if there is no room */
  take(bytes: number): boolean;
  /** Gives bytes back. */
  free(bytes: number): void;
  /** Frees space after the disk was found full: drops recordings that nobody reads. */
  relieve(): Promise<void>;
}

/**
 * - `open`    in progress; new readers get the whole response
 * - `closed`  in progress; it takes no new readers, because its beginning is not on disk or it is too long
 * - `whole`   complete on disk
 * - `over`    failed, abandoned by all readers, or not kept
 */
export type RecordingState = 'open' | 'closed' | 'whole' | 'over';

interface Reader {
  position: number;
}

const READ_BYTES = 128 * 1024;
/** Bytes charged for a file in addition to its content. */
const FILE_BYTES = 4096;

export class ResponseRecording {
  private readonly path: string;
  private readonly room: RecordingRoom;
  private readonly longest: number;
  private readonly changed = new Signal();
  private readonly readers = new Set<Reader>();
  private readonly stopping = new AbortController();
  private file: Promise<FileHandle> | undefined;
  /** Number of readers plus the producer. While it is above 0, the file is kept open. */
  private users = 0;
  private taken = 0;
  /** Bytes produced, and how many of the first of them are in the file. */
  private produced = 0;
  private recorded = 0;
  private recording = true;
  /** The newest piece. */
  private tail: { readonly at: number; readonly bytes: Buffer } | undefined;
  private end: 'not yet' | 'whole' | 'unkept' | { readonly failure: unknown } = 'not yet';
  private discarded = false;

  /**
   * @param path of a file that does not exist
   * @param longest maximum size in bytes. A longer response is not kept, and takes no new readers once it exceeds this
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
   * Runs the producer to its end or until the last reader has gone: without readers, the response is not worth git's time.
   * The file grows as fast as git produces, so a slow reader that leaves late costs little.
   * @returns true if the whole response is in the file; otherwise the recording is useless
   */
  async run(produce: Produce): Promise<boolean> {
    this.users++;
    try {
      const { signal } = this.stopping;
      const verdict = await produce({ write: (chunk) => this.append(chunk) }, signal);
      signal.throwIfAborted();
      const kept = this.recording && !this.tooLong && this.produced > 0 && verdict !== 'flawed';
      this.end = kept ? 'whole' : 'unkept';
      return kept;
    } catch (failure) {
      this.end = { failure };
      return false;
    } finally {
      if (this.recorded === this.produced) this.tail = undefined;
      this.changed.notify();
      await this.release();
    }
  }

  /** Stops the producer; readers get `reason`. */
  stop(reason: unknown): void {
    this.stopping.abort(reason);
    this.changed.notify();
  }

  /**
   * Sends the response to its end, the part that is not yet produced as it comes. Call it in the same turn of the event loop in
   * which `state` was `open` or `whole`, or before the producer starts.
   * @param start where to begin: the bytes before are not sent
   * @throws the error of the producer, at once; the signal's reason if the client has gone; CairnError `unavailable` if the
   *   file cannot be read
   */
  async follow(output: Output, signal: AbortSignal, start = 0): Promise<void> {
    const reader: Reader = { position: start };
    const reused = new Reused(() =>
      Buffer.allocUnsafe(this.end === 'whole' ? Math.min(READ_BYTES, this.produced - start) : READ_BYTES),
    );
    const wake = () => this.changed.notify();
    this.users++;
    this.readers.add(reader);
    signal.addEventListener('abort', wake);
    try {
      for (;;) {
        signal.throwIfAborted();
        if (typeof this.end === 'object') throw this.end.failure;
        if (reader.position >= this.produced) {
          if (this.end !== 'not yet') return;
          // The recording was stopped, and the producer has not ended yet.
          this.stopping.signal.throwIfAborted();
          await this.changed.wait();
          continue;
        }
        const newest = this.newest(reader.position);
        const chunk = newest ?? (await this.read(reader.position, reused.memory));
        const isConnected =
          (await output.write(chunk)) && (newest !== undefined || (await reused.written(output)));
        if (!isConnected) {
          signal.throwIfAborted();
          return;
        }
        reader.position += chunk.length;
        if (!this.recording) this.changed.notify();
      }
    } finally {
      signal.removeEventListener('abort', wake);
      this.readers.delete(reader);
      if (this.readers.size === 0 && this.end === 'not yet') this.stop(new AbandonedError());
      this.changed.notify();
      await this.release();
    }
  }

  /** Opens the file of a `whole` response; it stays open until `release`. @returns false if it cannot be opened */
  async hold(): Promise<boolean> {
    this.users++;
    try {
      await this.opened('r');
      return true;
    } catch {
      // The file was removed by somebody else: the response is produced again.
      return false;
    }
  }

  /** Ends one use. The last one closes the file, and removes it if the recording was discarded. */
  async release(): Promise<void> {
    this.users--;
    if (this.users > 0) return;
    const file = this.file;
    this.file = undefined;
    // Only this process reads the file, so an error on closing has no effect.
    await file?.then((handle) => handle.close()).catch(() => undefined);
    if (this.discarded && this.users === 0) await this.remove();
  }

  /** Removes the file once it is no longer used. */
  async discard(): Promise<void> {
    this.discarded = true;
    if (this.users === 0) await this.remove();
  }

  private async remove(): Promise<void> {
    const taken = this.taken;
    if (taken === 0) return;
    this.taken = 0;
    this.room.free(taken);
    // Best effort: the next start removes what is left.
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
    this.changed.notify();
    if (this.recording && (await this.record(bytes, at))) {
      this.recorded = this.produced;
      return !signal.aborted;
    }
    this.recording = false;
    while (!signal.aborted && this.slowest() < this.produced) await this.changed.wait();
    return !signal.aborted;
  }

  private slowest(): number {
    return Math.min(...[...this.readers].map((reader) => reader.position));
  }

  /** @returns false if it cannot be written to disk */
  private async record(bytes: Buffer, at: number): Promise<boolean> {
    const needed = bytes.length + (this.taken === 0 ? FILE_BYTES : 0);
    if (!this.room.take(needed)) return false;
    this.taken += needed;
    try {
      await this.write(bytes, at);
      return true;
    } catch (error) {
      if (!isDiskFull(error)) return false;
    }
    await this.room.relieve();
    return this.write(bytes, at).then(
      () => true,
      () => false,
    );
  }

  private async write(bytes: Buffer, at: number): Promise<void> {
    const file = await this.opened('w+');
    // A disk that is nearly full may write only a part.
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
      done += bytesWritten;
    }
  }

  /** What the newest piece has of the bytes from `position` on. */
  private newest(position: number): Buffer | undefined {
    const { tail } = this;
    return tail !== undefined && position >= tail.at ? tail.bytes.subarray(position - tail.at) : undefined;
  }

  /** Some of the recorded bytes from `position` on. @param buffer where they go */
  private async read(position: number, buffer: Buffer): Promise<Buffer> {
    try {
      const file = await this.opened('r');
      const length = Math.min(buffer.length, this.recorded - position);
      const { bytesRead } = await file.read(buffer, 0, length, position);
      if (bytesRead > 0) return buffer.subarray(0, bytesRead);
    } catch (error) {
      if (isCairnError(error)) throw error;
      throw unreadable(messageOf(error), error);
    }
    throw unreadable('it is shorter than it was');
  }

  private opened(flags: 'r' | 'w+'): Promise<FileHandle> {
    if (this.file !== undefined) return this.file;
    const start = () => open(this.path, flags);
    const opening = flags === 'r' ? start() : inFolder(dirname(this.path), start);
    this.file = opening;
    opening.catch(() => {
      if (this.file === opening) this.file = undefined;
    });
    return opening;
  }
}

/** The reason why a producer is stopped: no reader is left. */
class AbandonedError extends CairnError {
  constructor() {
    super('unavailable', 'no client waits for this response any more');
  }
}

function unreadable(reason: string, cause?: unknown): CairnError {
  return new CairnError('unavailable', `a recorded response cannot be read: ${reason}`, {
    cause,
    publicText: 'a recorded response cannot be read',
  });
}
