import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { UnversionedFile } from '../../fossil/unversioned.ts';
import { type Digest, sha256 } from '../../lib/digest.ts';
import { type Bytes, FileBytes } from '../../lib/file-bytes.ts';
import { inFolder } from '../../lib/in-folder.ts';
import { scratchError } from '../../lib/scratch-files.ts';
import { IndexBuilder } from './index-builder.ts';
import type { NameHash } from './name-table.ts';
import type { PackRecord } from './pack-index.ts';

/** Bytes that are gathered before they are written. */
const WRITTEN_AT_ONCE = 1 << 20;

/** Largest pack: offsets have four bytes. */
const LARGEST_PACK = 0xffff_ffff;

/** A pack in a file, ready to be stored. */
export interface PackFile {
  readonly path: string;
  readonly size: number;
  readonly digest: Digest;
  readonly records: number;
  readonly index: { readonly digest: Digest; readonly offset: number; readonly size: number };
}

/**
 * Writes a pack into a file, payload by payload, so that its size does not matter. What writes throws DiskFullError; CairnError
 * `unavailable`.
 */
export class PackFileWriter {
  private readonly path: string;
  private readonly file: FileHandle;
  private readonly index: IndexBuilder;
  private readonly hash = createHash('sha256');
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private payloadBytes = 0;
  private isClosed = false;

  private constructor(path: string, file: FileHandle, index: IndexBuilder) {
    this.path = path;
    this.file = file;
    this.index = index;
  }

  /** @param path of a file that does not exist */
  static open(path: string, hash: NameHash): Promise<PackFileWriter> {
    return PackFileWriter.goOn(path, new IndexBuilder(hash), []);
  }

  /**
   * Goes on with a pack that was begun in memory.
   * @param path of a file that does not exist
   * @param payloads of the records that the index has
   */
  static async goOn(
    path: string,
    index: IndexBuilder,
    payloads: readonly Uint8Array[],
  ): Promise<PackFileWriter> {
    const file = await inFolder(dirname(path), () => open(path, 'wx+')).catch((error: unknown) => {
      throw scratchError(error);
    });
    const writer = new PackFileWriter(path, file, index);
    try {
      for (const payload of payloads) {
        writer.payloadBytes += payload.length;
        await writer.write(payload);
      }
      return writer;
    } catch (error) {
      await writer.abandon();
      throw error;
    }
  }

  /** Bytes of payloads so far. */
  get size(): number {
    return this.payloadBytes;
  }

  /** Whether a payload of this length still fits. */
  hasRoom(length: number): boolean {
    return this.payloadBytes + length <= LARGEST_PACK;
  }

  async add(record: PackRecord, payload: Bytes): Promise<void> {
    if (payload instanceof FileBytes) return this.addInPieces(record, (sink) => payload.inPieces(sink));
    this.index.add(record, payload.length);
    this.payloadBytes += payload.length;
    await this.write(payload);
  }

  /**
   * Adds a record whose payload is too large for memory.
   * @param make gives the payload to its argument, piece by piece. The memory of a piece may serve again afterwards
   */
  async addInPieces(
    record: PackRecord,
    make: (sink: (piece: Uint8Array) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const begin = this.payloadBytes;
    await this.flush();
    await make(async (piece) => {
      this.hash.update(piece);
      this.payloadBytes += piece.length;
      await this.writeAll(piece);
    });
    this.index.add(record, this.payloadBytes - begin);
  }

  /** A part of the payloads so far. */
  async read(offset: number, length: number): Promise<FileBytes> {
    await this.flush();
    return new FileBytes(this.file, offset, length);
  }

  /** Corrects how many deltas make the content of a record, by its number from 0 on. */
  setDepth(record: number, depth: number): void {
    this.index.setDepth(record, depth);
  }

  addUnversioned(file: UnversionedFile): void {
    this.index.addUnversioned(file);
  }

  /** Writes the index, and closes the file. */
  async finish(): Promise<PackFile> {
    const index = this.index.bytes();
    await this.write(index);
    await this.flush();
    await this.abandon();
    const offset = this.payloadBytes;
    return {
      path: this.path,
      size: offset + index.length,
      digest: this.hash.digest('hex'),
      records: this.index.records,
      index: { digest: sha256(index), offset, size: index.length },
    };
  }

  /** Closes the file, for example after a failure. */
  async abandon(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    await this.file.close();
  }

  private async write(bytes: Uint8Array): Promise<void> {
    this.hash.update(bytes);
    if (bytes.length >= WRITTEN_AT_ONCE) {
      await this.flush();
      return this.writeAll(bytes);
    }
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
    if (this.waitingBytes >= WRITTEN_AT_ONCE) await this.flush();
  }

  private async flush(): Promise<void> {
    const bytes = this.waiting;
    this.waiting = [];
    this.waitingBytes = 0;
    if (bytes.length === 1 && bytes[0] !== undefined) await this.writeAll(bytes[0]);
    else if (bytes.length > 0) await this.writeAll(Buffer.concat(bytes));
  }

  private async writeAll(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        done += (await this.file.write(bytes, done, bytes.length - done)).bytesWritten;
      }
    } catch (error) {
      throw scratchError(error);
    }
  }
}
