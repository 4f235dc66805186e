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
import { endianness } from 'node:os';
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
  /** How many deltas make the content: 0 if the payload is the content itself. For a waiting delta the day on which it came. */
  readonly depth: number;
  /** Bytes of the content; for a waiting delta as it declares them. */
  readonly size: number;
  /** The members of a cluster; the parents of a check-in, unless it begins a branch. */
  readonly links?: readonly ArtifactName[];
}

const IS_BIG_ENDIAN = endianness() === 'BE';

/** Names, or records, between two pauses. */
export const STEPS = 4_096;

/** Names of an index that are added before its table has room for the rest. */
const FIRST_STEPS = 256;

/** Why bytes are not an index. */
export class IndexError extends Error {}

/** What an index says of its records, by their numbers. */
export interface IndexColumns {
  readonly flags: Uint8Array;
  readonly depths: Uint16Array;
  readonly sizes: Uint32Array;
  readonly lengths: Uint32Array;
  /** Numbers of names, or {@link NO_SOURCE}. */
  readonly sources: Uint32Array;
}

/** An index, read into memory: columns of its records, and names as bytes. */
export class PackIndex {
  readonly records: number;
  /** Of the records, and further ones. */
  readonly names: number;
  readonly unversioned: readonly UnversionedFile[];
  private readonly bytes: Buffer;
  private readonly depths: Uint16Array;
  private readonly sizes: Uint32Array;
  private readonly lengths: Uint32Array;
  private readonly sources: Uint32Array;
  /** For each group the record, and how many links it has. */
  private readonly groupWords: Uint32Array;
  /** Numbers of names. */
  readonly links: Uint32Array;
  /** Where in the bytes the marks of names are, and the names. */
  private readonly marksAt: number;
  private readonly namesAt: number;

  /** @throws IndexError if the bytes are not an index to the letter */
  constructor(bytes: Buffer) {
    if (bytes.length < HEAD_BYTES || bytes.toString('latin1', 0, INDEX_MAGIC.length) !== INDEX_MAGIC) {
      throw new IndexError('it is not an index');
    }
    const word = (number: number) => bytes.readUInt32LE(INDEX_MAGIC.length + 4 * number);
    if (word(0) !== INDEX_VERSION) throw new IndexError(`its version ${word(0)} is not known to this Cairn`);
    if (word(6) !== 0) throw new IndexError('it has parts that this Cairn does not know');
    this.bytes = bytes;
    const records = word(1);
    this.records = records;
    this.names = records + word(2);
    const [groups, links] = [word(3), word(4)];
    this.marksAt = HEAD_BYTES + 15 * records;
    this.namesAt = this.marksAt + this.names;
    if (this.namesAt > bytes.length) throw new IndexError('it is cut short');
    const groupsAt = this.namesAt + 20 * this.names + 12 * this.countLongNames();
    const linksAt = groupsAt + 8 * groups;
    const unversionedAt = linksAt + 4 * links;
    if (unversionedAt + word(5) !== bytes.length)
      throw new IndexError('its size is not the sum of its parts');
    const depthsAt = HEAD_BYTES + records;
    this.depths = new Uint16Array(aligned(bytes, depthsAt, records, 2));
    this.sizes = new Uint32Array(aligned(bytes, depthsAt + 2 * records, records, 4));
    this.lengths = new Uint32Array(aligned(bytes, depthsAt + 6 * records, records, 4));
    this.sources = new Uint32Array(aligned(bytes, depthsAt + 10 * records, records, 4));
    this.groupWords = new Uint32Array(aligned(bytes, groupsAt, 2 * groups, 4));
    this.links = new Uint32Array(aligned(bytes, linksAt, links, 4));
    this.unversioned = word(5) === 0 ? [] : readUnversioned(bytes.toString('utf8', unversionedAt));
    this.check();
  }

  flagsOf(record: number): number {
    return this.bytes[HEAD_BYTES + record] ?? 0;
  }

  depthOf(record: number): number {
    return this.depths[record] ?? 0;
  }

  /** Bytes of the content. */
  sizeOf(record: number): number {
    return this.sizes[record] ?? 0;
  }

  /** Bytes of the payload. */
  lengthOf(record: number): number {
    return this.lengths[record] ?? 0;
  }

  /** The number of the source's name, or {@link NO_SOURCE}. */
  sourceOf(record: number): number {
    return this.sources[record] ?? 0;
  }

  /**
   * The number that each name has in a table, to which those that are not there are added.
   * @returns by the number of the name here
   */
  *numbersIn(table: NameTable): Cooperative<Uint32Array> {
    const numbers = new Uint32Array(this.names);
    const { bytes, marksAt } = this;
    let at = this.namesAt;
    // The first few go into a table that is still small: there they meet others, so V8 compiles the loop with that in it.
    for (let from = 0, to = Math.min(this.names, FIRST_STEPS); from < this.names; ) {
      at = table.addRun({ bytes, at, marks: marksAt + from }, numbers.subarray(from, to));
      if (from === 0) table.reserve(this.names - to);
      from = to;
      to = Math.min(this.names, from + STEPS);
      yield;
    }
    return numbers;
  }

  /** Reads names by their numbers. */
  namesOf(): (number: number) => ArtifactName {
    const offsets = new Uint32Array(this.names + 1);
    offsets[0] = this.namesAt;
    for (let name = 0; name < this.names; name++) {
      const length = this.bytes[this.marksAt + name] === 1 ? 32 : 20;
      offsets[name + 1] = (offsets[name] ?? 0) + length;
    }
    return (name) => this.bytes.toString('hex', offsets[name], offsets[name + 1]) as ArtifactName;
  }

  /** Whether it has artifacts that everybody sees, and nothing else. */
  get hasOnlyPublicArtifacts(): boolean {
    let all = 0;
    for (let record = 0; record < this.records; record++) all |= this.flagsOf(record);
    return (all & ~(flags.cluster | flags.checkIn)) === 0;
  }

  /** How many records have links. */
  get groupCount(): number {
    return this.groupWords.length / 2;
  }

  /** The record of a group, and how many links it has; those of all groups follow each other in {@link links}. */
  groupRecord(group: number): number {
    return this.groupWords[2 * group] ?? 0;
  }

  groupSize(group: number): number {
    return this.groupWords[2 * group + 1] ?? 0;
  }

  /** The columns of all records as {@link flagsOf} and the others give them. */
  get columns(): IndexColumns {
    const { depths, sizes, lengths, sources } = this;
    return {
      flags: this.bytes.subarray(HEAD_BYTES, HEAD_BYTES + this.records),
      depths,
      sizes,
      lengths,
      sources,
    };
  }

  /** Each group of links: the record, and the numbers of the names that it links to. */
  *groups(): Generator<readonly [record: number, links: Uint32Array]> {
    let at = 0;
    for (let group = 0; group < this.groupCount; group++) {
      const count = this.groupSize(group);
      yield [this.groupRecord(group), this.links.subarray(at, at + count)];
      at += count;
    }
  }

  private countLongNames(): number {
    const marks = this.bytes.subarray(this.marksAt, this.namesAt);
    // Mostly all names are of one kind, and memory is compared faster than a loop counts.
    if (Buffer.alloc(marks.length).equals(marks)) return 0;
    let long = 0;
    for (let at = 0; at < marks.length; at++) {
      const mark = marks[at] ?? 0;
      if (mark > 1) throw new IndexError('a name has an unknown length');
      long += mark;
    }
    return long;
  }

  private check(): void {
    const { sources, groupWords, links, names, records } = this;
    if (!areBelow(sources, names, NO_SOURCE)) throw new IndexError('a source has no name');
    let linked = 0;
    for (let group = 0; group < groupWords.length; group += 2) {
      if ((groupWords[group] ?? 0) >= records) throw new IndexError('links are of no record');
      linked += groupWords[group + 1] ?? 0;
    }
    if (linked !== links.length) throw new IndexError('its links are not the sum of its groups');
    if (!areBelow(links, names)) throw new IndexError('a link has no name');
  }
}

/** Whether all numbers are below a bound, or equal to an exception. */
function areBelow(numbers: Uint32Array, bound: number, exception?: number): boolean {
  for (let at = 0; at < numbers.length; at++) {
    const number = numbers[at] ?? 0;
    if (number >= bound && number !== exception) return false;
  }
  return true;
}

/**
 * A column of numbers in memory of its own, in the order of bytes of this machine: where it is in an index depends on what is
 * before it, and numbers are only read at once where they are aligned.
 */
function aligned(bytes: Buffer, at: number, count: number, width: 2 | 4): ArrayBuffer {
  const column = Buffer.from(new ArrayBuffer(count * width));
  bytes.copy(column, 0, at, at + column.length);
  if (IS_BIG_ENDIAN) width === 2 ? column.swap16() : column.swap32();
  return column.buffer as ArrayBuffer;
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
