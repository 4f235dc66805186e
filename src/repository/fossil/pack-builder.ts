import { rm } from 'node:fs/promises';
import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { deflatePayloadInPieces } from '../../fossil/compression.ts';
import type { UnversionedFile } from '../../fossil/unversioned.ts';
import { cooperate } from '../../lib/cooperative.ts';
import { type Digest, sha256, sha256InSteps } from '../../lib/digest.ts';
import { type Bytes, FileBytes } from '../../lib/file-bytes.ts';
import { GrowingWords } from '../../lib/growing-words.ts';
import type { ScratchFiles } from '../../lib/scratch-files.ts';
import type { ObjectBody } from '../../object-store/object-store.ts';
import { IndexBuilder } from './index-builder.ts';
import type { NameHash } from './name-table.ts';
import { PackFileWriter } from './pack-file.ts';
import { flags, type PackRecord } from './pack-index.ts';

/** Bytes of payloads that are in memory. A larger pack is written into a file. */
const MOST_IN_MEMORY = 8 << 20;

/** A pack that is ready to be stored. */
export interface BuiltPack {
  /** In memory, or the file of the builder. */
  readonly body: ObjectBody;
  readonly size: number;
  readonly digest: Digest;
  readonly records: number;
  readonly index: { readonly digest: Digest; readonly offset: number; readonly size: number };
}

/** Builds a pack: in memory while it is small, as most are, and then in a scratch file, which is there until the builder is disposed of. */
export class PackBuilder implements AsyncDisposable {
  private readonly index: IndexBuilder;
  private readonly scratch: ScratchFiles;
  private payloads: Uint8Array[] = [];
  /** The number of the record with a payload that was added last for a name, and where the payload of each record begins. */
  private readonly numbers = new Map<ArtifactName, number>();
  private readonly offsets = new GrowingWords(0);
  private length = 0;
  private path: string | undefined;
  private writer: PackFileWriter | undefined;

  constructor(hash: NameHash, scratch: ScratchFiles) {
    this.index = new IndexBuilder(hash);
    this.scratch = scratch;
  }

  get isEmpty(): boolean {
    return this.index.isEmpty;
  }

  /** Bytes of payloads so far. */
  get size(): number {
    return this.length;
  }

  /** @throws CairnError `busy` or `unavailable` if there is no disk space */
  async add(record: PackRecord, payload: Bytes): Promise<void> {
    if (this.writer === undefined) {
      if (!(payload instanceof FileBytes) && this.length + payload.length <= MOST_IN_MEMORY) {
        this.index.add(record, payload.length);
        this.place(record, payload.length);
        this.payloads.push(payload);
        return;
      }
      this.writer = await this.toFile();
    }
    await this.writer.add(record, payload);
    this.place(record, payload.length);
  }

  /** Adds a record whose payload is a content, compressed. For contents that are too large for memory. @throws as {@link add} */
  async addContent(record: PackRecord, content: Bytes): Promise<void> {
    this.writer ??= await this.toFile();
    await this.writer.addInPieces(record, (sink) => deflatePayloadInPieces(content, sink));
    this.place(record, this.writer.size - this.length);
  }

  addUnversioned(file: UnversionedFile): void {
    this.index.addUnversioned(file);
  }

  /** The payload that was added last for a name. */
  async payloadOf(name: ArtifactName): Promise<Bytes | undefined> {
    const number = this.numbers.get(name);
    if (number === undefined) return undefined;
    if (this.writer === undefined) return this.payloads[number];
    return this.writer.read(this.offsets.get(number), this.index.lengthOf(number));
  }

  /** @throws as {@link add} */
  async build(): Promise<BuiltPack> {
    if (this.writer !== undefined) {
      const { path, size, digest, records, index } = await this.writer.finish();
      return { body: { path, offset: 0, length: size }, size, digest, records, index };
    }
    const index = this.index.bytes();
    const bytes = Buffer.concat([...this.payloads, index]);
    return {
      body: bytes,
      size: bytes.length,
      digest: await cooperate(sha256InSteps(bytes)),
      records: this.index.records,
      index: { digest: sha256(index), offset: this.length, size: index.length },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.writer?.abandon();
    if (this.path !== undefined) await rm(this.path, { force: true });
  }

  private place({ name, flags: bits }: PackRecord, length: number): void {
    // A record that says that a delta is wrong has no payload; the artifact itself may have come before.
    if ((bits & flags.wrong) === 0) this.numbers.set(name, this.offsets.length);
    this.offsets.push(this.length);
    this.length += length;
  }

  private async toFile(): Promise<PackFileWriter> {
    const { payloads } = this;
    this.payloads = [];
    this.path = this.scratch.newPath();
    return PackFileWriter.goOn(this.path, this.index, payloads);
  }
}
