/**
 * The index of a pack of artifacts: which records the pack has, and what is needed of them without reading a payload. All numbers
 * are little-endian.
 *
 *     8 bytes   "CairnBag"
 *     7 words   version 1 · records · further names · groups of links · links · bytes of unversioned files · 0
 *     by record     flags (1 byte) · depth (2) · size of the content (4) · length of the payload (4) · source (4)
 *     by name       1 for SHA3-256, 0 for SHA-1 (1 byte); then all names, of 32 or 20 bytes
 *     by group      record (4) · how many links (4); then all links (4 each)
 *     unversioned files as JSON
 *
 * Names are numbered: first that of each record, then further ones. Sources and links are such numbers. Payloads follow each other
 * from the begin of the pack on, without gaps, so their offsets are sums of lengths.
 */
import type { ArtifactName } from '../../fossil/artifact-name.ts';
import type { UnversionedFile } from '../../fossil/unversioned.ts';
import type { Cooperative } from '../../lib/cooperative.ts';
import type { NameTable } from './name-table.ts';

export const INDEX_MAGIC = 'CairnBag';
export const INDEX_VERSION = 1;
export const HEAD_BYTES = INDEX_MAGIC.length + 7 * 4;

/** What a record is, as bits. */
export const flags = {
  /** An artifact that only those see who may see private ones. */
  private: 1,
  /** A delta whose source was not here when it came: its content has never been verified. */
  waiting: 2,
  cluster: 4,
  checkIn: 8,
  /** The content of an unversioned file. It is no artifact. */
  unversioned: 16,
  /** Says that a waiting delta of this name and source, in a pack before this one, is wrong. It has no payload. */
  wrong: 32,
} as const;

/** No source: the payload is the content itself. */
export const NO_SOURCE = 0xffff_ffff;

/** One record as it is added to a pack. */
export interface PackRecord {
  readonly name: ArtifactName;
  /** Bits of {@link flags}. */
  readonly flags: number;
  /** If the payload is a delta. */
  readonly source?: ArtifactName;
  /** How many deltas make the content: 0 if the payload is the content itself. */
  readonly depth: number;
  /** Bytes of the content; for a waiting delta as it declares them. */
  readonly size: number;
  /** The members of a cluster; the parents of a check-in, unless it begins a branch. */
  readonly links?: readonly ArtifactName[];
}

/** Names, or records, between two pauses. */
export const STEPS = 4_096;

/** Why bytes are not an index. */
export class IndexError extends Error {}

/** An index, read into memory: columns of its records, and names as bytes. */
export class PackIndex {
  readonly records: number;
  /** Of the records, and further ones. */
  readonly names: number;
  readonly unversioned: readonly UnversionedFile[];
  private readonly bytes: Buffer;
  private readonly columns: {
    readonly depths: number;
    readonly sizes: number;
    readonly lengths: number;
    readonly sources: number;
    readonly long: number;
    readonly names: number;
    readonly groups: number;
    readonly links: number;
  };
  private readonly groupCount: number;
  private readonly linkCount: number;

  /** @throws IndexError if the bytes are not an index to the letter */
  constructor(bytes: Buffer) {
    if (bytes.length < HEAD_BYTES || bytes.toString('latin1', 0, INDEX_MAGIC.length) !== INDEX_MAGIC) {
      throw new IndexError('it is not an index');
    }
    const word = (number: number) => bytes.readUInt32LE(INDEX_MAGIC.length + 4 * number);
    if (word(0) !== INDEX_VERSION) throw new IndexError(`its version ${word(0)} is not known to this Cairn`);
    if (word(6) !== 0) throw new IndexError('it has parts that this Cairn does not know');
    this.bytes = bytes;
    this.records = word(1);
    this.names = this.records + word(2);
    this.groupCount = word(3);
    this.linkCount = word(4);
    const depths = HEAD_BYTES + this.records;
    const sizes = depths + 2 * this.records;
    const lengths = sizes + 4 * this.records;
    const sources = lengths + 4 * this.records;
    const long = sources + 4 * this.records;
    const names = long + this.names;
    if (names > bytes.length) throw new IndexError('it is cut short');
    let longNames = 0;
    for (let at = long; at < names; at++) {
      const mark = bytes[at] ?? 0;
      if (mark > 1) throw new IndexError('a name has an unknown length');
      longNames += mark;
    }
    const groups = names + 20 * this.names + 12 * longNames;
    const links = groups + 8 * this.groupCount;
    const unversioned = links + 4 * this.linkCount;
    if (unversioned + word(5) !== bytes.length) throw new IndexError('its size is not the sum of its parts');
    this.columns = { depths, sizes, lengths, sources, long, names, groups, links };
    this.unversioned = word(5) === 0 ? [] : readUnversioned(bytes.toString('utf8', unversioned));
    this.check();
  }

  flagsOf(record: number): number {
    return this.bytes[HEAD_BYTES + record] ?? 0;
  }

  depthOf(record: number): number {
    const at = this.columns.depths + 2 * record;
    return (this.bytes[at] ?? 0) | ((this.bytes[at + 1] ?? 0) << 8);
  }

  /** Bytes of the content. */
  sizeOf(record: number): number {
    return wordAt(this.bytes, this.columns.sizes + 4 * record);
  }

  /** Bytes of the payload. */
  lengthOf(record: number): number {
    return wordAt(this.bytes, this.columns.lengths + 4 * record);
  }

  /** The number of the source's name, or {@link NO_SOURCE}. */
  sourceOf(record: number): number {
    return wordAt(this.bytes, this.columns.sources + 4 * record);
  }

  /**
   * The number that each name has in a table, to which those that are not there are added.
   * @returns by the number of the name here
   */
  *numbersIn(table: NameTable): Cooperative<Uint32Array> {
    const numbers = new Uint32Array(this.names);
    table.reserve(this.names);
    let at = this.columns.names;
    for (let from = 0; from < this.names; from += STEPS) {
      // A loop without pauses inside is compiled once, and runs several times as fast.
      at = this.addStretch(table, numbers, at, from, Math.min(this.names, from + STEPS));
      yield;
    }
    return numbers;
  }

  /** @param begin where the bytes of the first name are. @returns where those of the last one end */
  private addStretch(
    table: NameTable,
    numbers: Uint32Array,
    begin: number,
    from: number,
    to: number,
  ): number {
    const { bytes } = this;
    let at = begin;
    for (let name = from; name < to; name++) {
      const length = bytes[this.columns.long + name] === 1 ? 32 : 20;
      numbers[name] = table.addBytes(bytes, at, length);
      at += length;
    }
    return at;
  }

  /** Reads names by their numbers. */
  namesOf(): (number: number) => ArtifactName {
    const offsets = new Uint32Array(this.names + 1);
    offsets[0] = this.columns.names;
    for (let name = 0; name < this.names; name++) {
      const length = this.bytes[this.columns.long + name] === 1 ? 32 : 20;
      offsets[name + 1] = (offsets[name] ?? 0) + length;
    }
    return (name) => this.bytes.toString('hex', offsets[name], offsets[name + 1]) as ArtifactName;
  }

  /** Each group of links: the record, and the numbers of the names that it links to. */
  *groups(): Generator<readonly [record: number, links: Uint32Array]> {
    let at = this.columns.links;
    for (let group = 0; group < this.groupCount; group++) {
      const record = wordAt(this.bytes, this.columns.groups + 8 * group);
      const count = wordAt(this.bytes, this.columns.groups + 8 * group + 4);
      const links = new Uint32Array(count);
      for (let link = 0; link < count; link++) links[link] = wordAt(this.bytes, at + 4 * link);
      at += 4 * count;
      yield [record, links];
    }
  }

  private check(): void {
    for (let record = 0; record < this.records; record++) {
      const source = this.sourceOf(record);
      if (source !== NO_SOURCE && source >= this.names) throw new IndexError('a source has no name');
    }
    let links = 0;
    for (let group = 0; group < this.groupCount; group++) {
      const at = this.columns.groups + 8 * group;
      if (wordAt(this.bytes, at) >= this.records) throw new IndexError('links are of no record');
      links += wordAt(this.bytes, at + 4);
    }
    if (links !== this.linkCount) throw new IndexError('its links are not the sum of its groups');
    for (let link = 0; link < links; link++) {
      if (wordAt(this.bytes, this.columns.links + 4 * link) >= this.names) {
        throw new IndexError('a link has no name');
      }
    }
  }
}

/** The word at a place. The method of `Buffer` checks its arguments anew in each of a few hundred thousand calls. */
function wordAt(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24)) >>>
    0
  );
}

/** Unversioned files as JSON: an array of `[name, time, hash or null, size]`. */
export function writeUnversioned(files: readonly UnversionedFile[]): Buffer {
  if (files.length === 0) return Buffer.alloc(0);
  return Buffer.from(
    JSON.stringify(files.map(({ name, time, hash, size }) => [name, time, hash ?? null, size])),
  );
}

function readUnversioned(text: string): UnversionedFile[] {
  let rows: unknown;
  try {
    rows = JSON.parse(text);
  } catch {
    throw new IndexError('its unversioned files are not JSON');
  }
  if (!Array.isArray(rows)) throw new IndexError('its unversioned files are not a list');
  return rows.map((row: unknown) => {
    const [name, time, hash, size] = Array.isArray(row) ? (row as unknown[]) : [];
    if (typeof name !== 'string' || typeof time !== 'number' || typeof size !== 'number') {
      throw new IndexError('an unversioned file is not complete');
    }
    return { name, time, size, hash: typeof hash === 'string' ? (hash as ArtifactName) : undefined };
  });
}
