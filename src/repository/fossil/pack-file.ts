import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { UnversionedFile } from '../../fossil/unversioned.ts';
import { type Digest, sha256 } from '../../lib/digest.ts';
import type { NameHash } from './name-table.ts';
import { IndexBuilder } from './pack-builder.ts';
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

/** Writes a pack into a file, payload by payload, so that its size does not matter. */
export class PackFileWriter {
  private readonly path: string;
  private readonly file: FileHandle;
  private readonly index: IndexBuilder;
  private readonly hash = createHash('sha256');
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private payloadBytes = 0;

  private constructor(path: string, file: FileHandle, hash: NameHash) {
    this.path = path;
    this.file = file;
    this.index = new IndexBuilder(hash);
  }

  /** @param path of a file that does not exist */
  static async open(path: string, hash: NameHash): Promise<PackFileWriter> {
    return new PackFileWriter(path, await open(path, 'wx'), hash);
  }

  /** Whether a payload of this length still fits. */
  hasRoom(length: number): boolean {
    return this.payloadBytes + length <= LARGEST_PACK;
  }

  async add(record: PackRecord, payload: Uint8Array): Promise<void> {
    this.index.add(record, payload.length);
    this.payloadBytes += payload.length;
    await this.write(payload);
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
    await this.file.close();
    const offset = this.payloadBytes;
    return {
      path: this.path,
      size: offset + index.length,
      digest: this.hash.digest('hex'),
      records: this.index.records,
      index: { digest: sha256(index), offset, size: index.length },
    };
  }

  /** Closes the file after a failure. */
  async abandon(): Promise<void> {
    await this.file.close();
  }

  private async write(bytes: Uint8Array): Promise<void> {
    this.hash.update(bytes);
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
    if (this.waitingBytes >= WRITTEN_AT_ONCE) await this.flush();
  }

  private async flush(): Promise<void> {
    const bytes = this.waiting;
    this.waiting = [];
    this.waitingBytes = 0;
    if (bytes.length > 0) await this.file.writev(bytes);
  }
}
