/**
 * Looks into a pack while git works on it for longer than honest packs take. git finds out what a large file unpacks to by unpacking
 * it, and what a delta makes by making it. Headers of entries and beginnings of deltas say so before, but where the next entry
 * begins is known only by inflating the one before it: to do that for every pack would double the work on each push. So only packs
 * that take long are looked into, from their beginning, and nothing that is too large is inflated.
 */
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInflate, inflateSync } from 'node:zlib';
import { longestEntryHeader, packHeaderLength, readPackEntryHeader } from '../../../git/index.ts';
import type { Clock } from '../../../lib/clock.ts';
import { Yielder } from '../../../lib/cooperative.ts';
import { isCairnError, systemCode } from '../../../lib/errors.ts';
import { formatSize } from '../../../lib/format-size.ts';
import { Limiter } from '../../../lib/limiter.ts';
import { deltaStart, isZlibError, sizeMadeBy } from '../entries/delta-start.ts';
import { type ObjectLimit, tooLarge, unpacksToTooMuch } from './object-limit.ts';

/** A pack that git is working on. */
export interface WatchedPack {
  /** How many entries its header says it has. */
  readonly objects: number;
  /** Bytes of a raw object id in the repository it is for. */
  readonly idLength: number;
  /** Reads up to so many bytes: fewer where no more have come yet, or at the end. */
  read(position: number, length: number): Promise<Buffer>;
}

/** What the entries of a watched pack may hold and make. */
export interface WatchLimit extends ObjectLimit {
  /** The setting that bounds all of them together; absent for pushes of strangers. */
  readonly unpackedSetting?: string;
}

/** Bytes that are read at a time. */
const BLOCK = 256 * 1024;
/** Bytes up to which an entry is inflated in one piece, in this thread. */
const SMALL = 64 * 1024;
/** Milliseconds until more of the pack may have come. */
const WAIT_MS = 50;
/** Milliseconds of rest after each slice of work: as long as a slice, so that others get half of the time. */
const REST_MS = 8;

/** One pack at a time: where all packs take long, the machine is busy, and this is not to make it busier. */
const watching = new Limiter('packs looked into', 1, Number.POSITIVE_INFINITY);

/**
 * Looks at entry after entry until git is done.
 * @param limit of the bytes that have come so far
 * @param signal aborted when git is done
 * @returns why the pack is to be refused; undefined when nothing speaks against it, or it is damaged: git has words for that
 */
export async function watchPack(
  pack: WatchedPack,
  limit: () => WatchLimit,
  clock: Pick<Clock, 'sleep'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const release = await watching.acquire(signal);
    try {
      return await new PackWatch(pack, limit, clock, signal).run();
    } finally {
      release();
    }
  } catch (error) {
    // When git is done its file has another name. Where files cannot be read, git will say so.
    const isGone = signal.aborted || systemCode(error) !== undefined;
    if (isGone || isCairnError(error, 'corrupt') || isZlibError(error)) return undefined;
    throw error;
  }
}

class PackWatch {
  private readonly pack: WatchedPack;
  private readonly limit: () => WatchLimit;
  private readonly clock: Pick<Clock, 'sleep'>;
  private readonly signal: AbortSignal;
  private readonly yielder = new Yielder();
  /** What was read last, and where that is in the pack. */
  private block: Buffer = Buffer.alloc(0);
  private blockAt = 0;

  constructor(pack: WatchedPack, limit: () => WatchLimit, clock: Pick<Clock, 'sleep'>, signal: AbortSignal) {
    this.pack = pack;
    this.limit = limit;
    this.clock = clock;
    this.signal = signal;
  }

  async run(): Promise<string | undefined> {
    let [at, unpacked] = [packHeaderLength, 0];
    for (let entry = 0; entry < this.pack.objects; entry++) {
      const head = await this.bytesAt(at, longestEntryHeader + deltaStart);
      const { type, size, length } = readPackEntryHeader(head, 0, at, this.pack.idLength);
      const limit = this.limit();
      const isDelta = type === undefined;
      const makes = isDelta ? (sizeMadeBy(head, length) ?? 0) : size;
      const largest = Math.max(size, makes);
      if (largest > limit.objectBytes) return tooLarge('an object of', largest, limit).message;
      unpacked += makes;
      if (unpacked > limit.unpackedBytes) return tooMuchTogether(limit);
      at = await this.endOf(at + length, size);
      if (!this.yielder.isDue) continue;
      await this.clock.sleep(REST_MS, this.signal);
      await this.yielder.next();
    }
    return undefined;
  }

  /** Inflates what begins at a position. @param size bytes it inflates to @returns where it ends */
  private async endOf(begins: number, size: number): Promise<number> {
    if (size <= SMALL) {
      // Deflated data may be a little larger than what it inflates to.
      const deflated = await this.bytesAt(begins, SMALL + 1024);
      const read = inflatedFrom(deflated, size);
      if (read !== undefined) return begins + read;
    }
    return begins + (await this.inflateLarge(begins));
  }

  /** Inflates beside this thread, and drops the result. @returns how many deflated bytes there were */
  private async inflateLarge(begins: number): Promise<number> {
    const inflate = createInflate({ chunkSize: SMALL });
    try {
      let isOver = false;
      const over = new Promise<void>((resolve, reject) => {
        inflate.once('end', resolve);
        inflate.once('error', reject);
      });
      const noted = over.then(
        () => {
          isOver = true;
        },
        () => {
          isOver = true;
        },
      );
      inflate.resume();
      for (let at = begins; !isOver; ) {
        const deflated = await this.bytesAt(at, 1);
        at += deflated.length;
        const taken = new Promise<void>((resolve) => {
          inflate.write(deflated, () => resolve());
        });
        await Promise.race([taken, noted]);
        this.signal.throwIfAborted();
      }
      await over;
      return inflate.bytesWritten;
    } finally {
      inflate.destroy();
    }
  }

  /** What the pack has from a position on, in a block: so many bytes or more, unless it ends before. */
  private async bytesAt(position: number, least: number): Promise<Buffer> {
    for (;;) {
      const skipped = position - this.blockAt;
      const known = this.block.subarray(skipped < 0 ? this.block.length : skipped);
      if (known.length >= least) return known;
      const block = await this.pack.read(position, BLOCK);
      const isLonger = block.length > known.length || position !== this.blockAt;
      [this.block, this.blockAt] = [block, position];
      if (block.length >= least) return block;
      // The last entries are followed by less: they are taken as they are once nothing more comes.
      if (block.length > 0 && !isLonger) return block;
      await this.clock.sleep(WAIT_MS, this.signal);
    }
  }
}

function tooMuchTogether(limit: WatchLimit): string {
  const { unpackedBytes, unpackedSetting } = limit;
  if (unpackedSetting === undefined) return unpacksToTooMuch(limit).message;
  return `the pack unpacks to more than ${formatSize(unpackedBytes)}, the most that one of its size may (${unpackedSetting})`;
}

/** How many deflated bytes something of a known size has. @returns undefined when that is more than there is */
function inflatedFrom(deflated: Buffer, size: number): number | undefined {
  try {
    // With `info`, which the types of Node do not know, there is the engine as well.
    const options = { info: true, maxOutputLength: Math.max(1, size), chunkSize: Math.max(64, size) };
    const { engine } = inflateSync(deflated, options) as unknown as {
      readonly engine: { readonly bytesWritten: number };
    };
    return engine.bytesWritten;
  } catch (error) {
    if (systemCode(error) === 'Z_BUF_ERROR') return undefined;
    throw error;
  }
}

/** The file into which git writes a pack that it reads from standard input, as far as it has come. */
export class GrowingPack {
  private readonly folder: string;
  /** The file once it was found. Several may ask at once: it is opened once for all. */
  private opening: Promise<FileHandle | undefined> | undefined;

  /** @param objects the object directory that git writes to */
  constructor(objects: string) {
    this.folder = join(objects, 'pack');
  }

  /** Reads up to so many bytes: fewer where git has written no more yet. @throws what the file system throws */
  async read(position: number, length: number): Promise<Buffer> {
    const file = await this.file();
    if (file === undefined) return Buffer.alloc(0);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  }

  /** Makes durable what git has written so far. @throws what the file system throws */
  async sync(): Promise<void> {
    await (await this.file())?.datasync();
  }

  async close(): Promise<void> {
    await (await this.opening)?.close();
  }

  private async file(): Promise<FileHandle | undefined> {
    const opening = this.opening ?? this.open();
    this.opening = opening;
    try {
      const file = await opening;
      if (file === undefined) this.forget(opening);
      return file;
    } catch (error) {
      this.forget(opening);
      throw error;
    }
  }

  /** The next one who asks looks for the file again. */
  private forget(opening: Promise<unknown>): void {
    if (this.opening === opening) this.opening = undefined;
  }

  private async open(): Promise<FileHandle | undefined> {
    const name = (await readdir(this.folder)).find((each) => each.startsWith('tmp_pack_'));
    if (name === undefined) return undefined;
    try {
      return await open(join(this.folder, name));
    } catch (error) {
      // git gives the file its name when it is done, and removes it when it has failed.
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }
}
