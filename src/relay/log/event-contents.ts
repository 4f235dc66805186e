/**
 * The JSON of events, on local disk and not on the heap. Files in the scratch folder are only appended to, and have no name:
 * nothing is left of them however the process ends. The event log contains the same events.
 */
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CairnError, messageOf, systemCode } from '../../lib/errors.ts';
import { PRIVATE_FOLDER } from '../../lib/make-folder.ts';
import type { Random } from '../../lib/random.ts';

/** A file with more bytes than this is not appended to any more. */
const FILE_BYTES = 64 * 1024 * 1024;

/** Appended bytes are written to disk in blocks of this size. */
const BUFFER_BYTES = 256 * 1024;

/** The distance between positions in different files; no file is as large. */
const SPAN = 2 ** 32;

/** Unneeded bytes above which files are cleaned up, if there are also more of them than needed ones. */
const WASTE_BYTES = 64 * 1024 * 1024;

interface ContentFile {
  readonly descriptor: number;
  size: number;
  /** Bytes that are still needed. */
  live: number;
}

export interface EventContentsOptions {
  /** Folder of the files; the system's temporary folder when it is not given. */
  readonly folder?: string;
  readonly random: Random;
}

export class EventContents {
  private readonly folder: string;
  private readonly random: Random;
  private readonly files = new Map<number, ContentFile>();
  private current = -1;
  private next = 0;
  /** Bytes appended to the current file that are not written yet. */
  private readonly buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  private buffered = 0;

  constructor({ folder = tmpdir(), random }: EventContentsOptions) {
    this.folder = folder;
    this.random = random;
  }

  /** Bytes in files, needed or not. */
  get size(): number {
    let sum = 0;
    for (const { size } of this.files.values()) sum += size;
    return sum;
  }

  /** Bytes that are needed. */
  get live(): number {
    let sum = 0;
    for (const { live } of this.files.values()) sum += live;
    return sum;
  }

  /**
   * Appends bytes. They are needed until {@link drop} is called for them.
   * @returns their position
   * @throws CairnError `unavailable` when the disk does not take them
   */
  append(bytes: Buffer): number {
    const file = this.fileFor(bytes.length);
    const position = this.current * SPAN + file.size;
    unlessFull(() => {
      if (this.buffered + bytes.length > BUFFER_BYTES) this.flush(file);
      if (bytes.length > BUFFER_BYTES) writeAll(file.descriptor, bytes, file.size);
      else this.buffered += bytes.copy(this.buffer, this.buffered);
    });
    file.size += bytes.length;
    file.live += bytes.length;
    return position;
  }

  /** Marks bytes as not needed any more. */
  drop(position: number, length: number): void {
    const number = Math.floor(position / SPAN);
    const file = this.files.get(number);
    if (file === undefined) return;
    file.live -= length;
    if (file.live <= 0 && number !== this.current) this.remove(number, file);
  }

  /** @throws CairnError `unavailable` when they cannot be read */
  read(position: number, length: number): Buffer {
    const file = this.files.get(Math.floor(position / SPAN));
    if (file === undefined) throw new CairnError('unavailable', 'an event is not on the local disk any more');
    const from = position % SPAN;
    const written = Math.floor(position / SPAN) === this.current ? file.size - this.buffered : file.size;
    if (from >= written) return Buffer.from(this.buffer.subarray(from - written, from - written + length));
    const bytes = Buffer.allocUnsafe(length);
    try {
      for (let got = 0; got < length; ) {
        const count = readSync(file.descriptor, bytes, got, length - got, from + got);
        if (count === 0) throw new Error('the file ends too early');
        got += count;
      }
    } catch (error) {
      throw new CairnError(
        'unavailable',
        `an event cannot be read from the local disk: ${messageOf(error)}`,
        { cause: error },
      );
    }
    return bytes;
  }

  /** The number of the file with the most unneeded bytes, if cleaning up is worthwhile; see {@link fileOf}. */
  wasted(): number | undefined {
    const { size, live } = this;
    if (size - live <= Math.max(WASTE_BYTES, live)) return undefined;
    let worst: number | undefined;
    let most = 0;
    for (const [number, file] of this.files) {
      if (number === this.current || file.size - file.live <= most) continue;
      [worst, most] = [number, file.size - file.live];
    }
    return worst;
  }

  /** The number of the file that a position is in. */
  fileOf(position: number): number {
    return Math.floor(position / SPAN);
  }

  close(): void {
    for (const [number, file] of this.files) this.remove(number, file);
    this.current = -1;
    this.buffered = 0;
  }

  private fileFor(length: number): ContentFile {
    const known = this.files.get(this.current);
    if (known !== undefined && (known.size === 0 || known.size + length <= FILE_BYTES)) return known;
    if (known !== undefined) {
      unlessFull(() => this.flush(known));
      if (known.live <= 0) this.remove(this.current, known);
    }
    try {
      const path = join(this.folder, `events-${this.random.hex(8)}`);
      const descriptor = this.openFile(path);
      try {
        unlinkSync(path);
      } catch (error) {
        closeSync(descriptor);
        throw error;
      }
      this.current = this.next++;
      const file = { descriptor, size: 0, live: 0 };
      this.files.set(this.current, file);
      return file;
    } catch (error) {
      throw new CairnError(
        'unavailable',
        `no file for events can be created in ${this.folder}: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  /** Somebody may have deleted the folder. At start it was there, so that one level or two are missing. */
  private openFile(path: string): number {
    try {
      return openSync(path, 'wx+', 0o600);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
      for (const folder of [dirname(this.folder), this.folder]) {
        if (!existsSync(folder)) mkdirSync(folder, PRIVATE_FOLDER);
      }
      return openSync(path, 'wx+', 0o600);
    }
  }

  private flush(file: ContentFile): void {
    if (this.buffered === 0) return;
    writeAll(file.descriptor, this.buffer.subarray(0, this.buffered), file.size - this.buffered);
    this.buffered = 0;
  }

  private remove(number: number, file: ContentFile): void {
    this.files.delete(number);
    // Closing alone frees the space late on some file systems; truncating frees it at once.
    ftruncateSync(file.descriptor, 0);
    closeSync(file.descriptor);
  }
}

/** @throws CairnError `unavailable` if `write` fails */
function unlessFull(write: () => void): void {
  try {
    write();
  } catch (error) {
    throw new CairnError(
      'unavailable',
      `events cannot be written to the local disk (${messageOf(error)}): make room in the cache folder`,
      { cause: error },
    );
  }
}

function writeAll(descriptor: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
  }
}
