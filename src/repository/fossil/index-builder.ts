import type { UnversionedFile } from '../../fossil/unversioned.ts';
import { GrowingWords } from '../../lib/growing-words.ts';
import { type NameHash, NameTable } from './name-table.ts';
import {
  HEAD_BYTES,
  INDEX_MAGIC,
  INDEX_VERSION,
  NO_SOURCE,
  type PackRecord,
  writeUnversioned,
} from './pack-index.ts';

/** Collects what the index of a pack says. Takes some 70 bytes for a record, so that folds may have a million of them. */
export class IndexBuilder {
  /** Names in the order in which they came up; an index has those of records first. */
  private readonly names: NameTable;
  private readonly recordNames = new GrowingWords(0);
  private readonly flags = new GrowingWords(0);
  private readonly depths = new GrowingWords(0);
  private readonly sizes = new GrowingWords(0);
  private readonly lengths = new GrowingWords(0);
  private readonly sources = new GrowingWords(0);
  private readonly groups = new GrowingWords(0);
  private readonly links = new GrowingWords(0);
  private readonly unversioned: UnversionedFile[] = [];

  constructor(hash: NameHash) {
    this.names = new NameTable(hash);
  }

  get records(): number {
    return this.flags.length;
  }

  /** True if there is nothing to store. */
  get isEmpty(): boolean {
    return this.records === 0 && this.unversioned.length === 0;
  }

  /** @param length bytes of the payload, which follows that of the record before */
  add(record: PackRecord, length: number): void {
    this.recordNames.push(this.names.add(record.name));
    const { links } = record;
    if (links !== undefined && links.length > 0) {
      this.groups.push(this.flags.length);
      this.groups.push(links.length);
      for (const link of links) this.links.push(this.names.add(link));
    }
    this.flags.push(record.flags);
    this.depths.push(Math.min(0xffff, record.depth));
    this.sizes.push(record.size);
    this.lengths.push(length);
    this.sources.push(record.source === undefined ? NO_SOURCE : this.names.add(record.source));
  }

  /** Bytes of the payload of a record, by its number from 0 on. */
  lengthOf(record: number): number {
    return this.lengths.get(record);
  }

  /** Corrects the depth of a record, by its number from 0 on. */
  setDepth(record: number, depth: number): void {
    this.depths.set(record, Math.min(0xffff, depth));
  }

  addUnversioned(file: UnversionedFile): void {
    this.unversioned.push(file);
  }

  /** The index as bytes, see `pack-index.ts`. */
  bytes(): Buffer {
    const { names, recordNames, records } = this;
    // A name may be that of two records: a private artifact and a waiting delta of it. Each record has a number of its own.
    const numbers = new Uint32Array(names.size).fill(NO_SOURCE);
    for (let record = records - 1; record >= 0; record--) numbers[recordNames.get(record)] = record;
    const further: number[] = [];
    for (let name = 0; name < names.size; name++) {
      if (numbers[name] !== NO_SOURCE) continue;
      numbers[name] = records + further.length;
      further.push(name);
    }
    const ordered = [...recordNames.values(), ...further];
    let nameBytes = 0;
    for (const name of ordered) nameBytes += names.lengthOf(name);
    const unversioned = writeUnversioned(this.unversioned);
    const bytes = Buffer.alloc(
      HEAD_BYTES +
        15 * records +
        ordered.length +
        nameBytes +
        4 * (this.groups.length + this.links.length) +
        unversioned.length,
    );
    let at = bytes.write(INDEX_MAGIC, 'latin1');
    const word = (value: number) => {
      at = bytes.writeUInt32LE(value, at);
    };
    const head = [INDEX_VERSION, records, further.length, this.groups.length / 2, this.links.length];
    for (const value of [...head, unversioned.length, 0]) word(value);
    for (const flag of this.flags.values()) at = bytes.writeUInt8(flag, at);
    for (const depth of this.depths.values()) at = bytes.writeUInt16LE(depth, at);
    for (const size of this.sizes.values()) word(size);
    for (const length of this.lengths.values()) word(length);
    for (const source of this.sources.values()) word(source === NO_SOURCE ? source : (numbers[source] ?? 0));
    for (const name of ordered) at = bytes.writeUInt8(names.lengthOf(name) === 32 ? 1 : 0, at);
    for (const name of ordered) at += names.copyTo(name, bytes, at);
    for (const value of this.groups.values()) word(value);
    for (const link of this.links.values()) word(numbers[link] ?? 0);
    unversioned.copy(bytes, at);
    return bytes;
  }
}
