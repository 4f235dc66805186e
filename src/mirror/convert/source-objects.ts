import { closeSync, fstatSync, openSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import {
  applyDelta,
  deltaResultSize,
  longestEntryHeader,
  PACKED_COMMIT,
  PACKED_TAG,
  type PackEntryHeader,
  readPackEntryHeader,
} from '../../git/index.ts';
import { CairnError } from '../../lib/errors.ts';
import { Inflater } from '../../lib/inflate.ts';
import { readFully } from '../../lib/paged-file.ts';
import { TwoGenerations } from '../../lib/two-generations.ts';
import type { ObjectTable } from './object-table.ts';
import { SortedPack } from './sorted-pack.ts';

/** Bytes of a raw SHA-1 id, and of the trailer of the source pack. */
export const sha1Bytes = 20;

/** Largest tree, commit or tag that is converted, in bytes. It is held in memory a few times. Blobs have no bound. */
export const mostObjectBytes = 128 * 2 ** 20;

/** Most deltas between an object and the one it is made from. git writes 50, and reads 4,095. */
const LONGEST_CHAIN = 10_000;

/** Small data is inflated in JavaScript, which is faster than a call of zlib. */
const SMALL = 400;

const READ_AT_ONCE = 16 * 1024;

/** The objects of the source pack, found by their ids and read by their numbers. */
export class SourceObjects {
  readonly pack: SortedPack;
  readonly table: ObjectTable;
  private readonly path: string;
  private readonly descriptor: number;
  /** Where the last entry ends. */
  private readonly end: number;
  private readonly contents: TwoGenerations<number, Buffer>;
  private readonly inflater = new Inflater();
  private window = { from: 0, bytes: Buffer.alloc(0) };
  private readonly spare = Buffer.alloc(READ_AT_ONCE);

  /**
   * @param stem path of the source pack without `.pack`
   * @param cache bytes of memory for the idx, and for contents of objects
   */
  constructor(stem: string, table: ObjectTable, cache: { readonly idx: number; readonly contents: number }) {
    this.table = table;
    this.path = `${stem}.pack`;
    this.contents = new TwoGenerations(cache.contents);
    this.pack = new SortedPack(stem, sha1Bytes, cache.idx);
    try {
      this.descriptor = openSync(this.path, 'r');
    } catch (error) {
      this.pack.close();
      throw error;
    }
    this.end = fstatSync(this.descriptor).size - sha1Bytes;
  }

  /** Number of objects. */
  get count(): number {
    return this.pack.count;
  }

  /** Bytes of tables and contents in memory. */
  get held(): number {
    return this.pack.held + this.table.held + this.contents.weight;
  }

  close(): void {
    this.pack.close();
    closeSync(this.descriptor);
  }

  /** The number of the object with a raw SHA-1 id that begins at `at`; -1 if there is none. */
  find(bytes: Buffer, at: number): number {
    const rank = this.pack.find(bytes, at);
    return rank === -1 ? -1 : this.table.numberOf(rank);
  }

  /** The number of the object with a SHA-1 id in hex; -1 if there is none. */
  findHex(oid: string): number {
    return this.find(Buffer.from(oid, 'hex'), 0);
  }

  /** The SHA-1 id of an object in hex. */
  idOf(number: number): string {
    return this.pack.idOf(this.table.entryOf(number).rank);
  }

  /**
   * The commit or tag whose SHA-1 id begins with hex digits.
   * @returns its number; -1 if there is none; -2 if there are several
   */
  findAbbreviated(prefix: string): number {
    const key = Buffer.from(prefix.padEnd(2 * sha1Bytes, '0'), 'hex');
    let found = -1;
    for (let rank = this.pack.lowerBound(key, 0, sha1Bytes); rank < this.count; rank++) {
      if (!this.pack.idOf(rank).startsWith(prefix)) break;
      const number = this.table.numberOf(rank);
      const type = this.table.typeOf(number);
      if (type !== PACKED_COMMIT && type !== PACKED_TAG) continue;
      if (found !== -1) return -2;
      found = number;
    }
    return found;
  }

  /** The header of the entry at an offset of the pack. */
  headerAt(offset: number): PackEntryHeader {
    const length = Math.min(longestEntryHeader, this.end - offset);
    return readPackEntryHeader(this.read(offset, length), 0, offset, sha1Bytes);
  }

  /** Where the entry of an object ends in the pack, in bytes. */
  endOf(number: number): number {
    return number + 1 < this.count ? this.table.offsetOf(number + 1) : this.end;
  }

  /** Reads bytes of the pack. They are valid until the next call. */
  read(from: number, length: number): Buffer {
    const { window } = this;
    if (from < window.from || from + length > window.from + window.bytes.length) {
      const bytes = length <= READ_AT_ONCE ? this.spare : Buffer.allocUnsafe(length);
      const got = readFully(this.descriptor, bytes, from);
      this.window = { from, bytes: bytes.subarray(0, got) };
      if (got < length) throw new CairnError('corrupt', `${this.path} ends before byte ${from + length}`);
    }
    const begin = from - this.window.from;
    return this.window.bytes.subarray(begin, begin + length);
  }

  /** The inflated entry of an object: the object itself, or the delta that makes it from its base. */
  entry(number: number): Buffer {
    const { offset, size } = this.table.entryOf(number);
    if (size > mostObjectBytes) throw tooLarge(this.idOf(number), size);
    const { length } = this.headerAt(offset);
    const stored = this.read(offset + length, this.endOf(number) - offset - length);
    if (size <= SMALL) {
      const target = Buffer.allocUnsafe(size);
      if (this.inflater.inflate(stored, 0, stored.length, target, 0, size)) return target;
    }
    const inflated = inflateSync(stored, { maxOutputLength: Math.max(size, 1) });
    if (inflated.length !== size) throw damaged(this.idOf(number));
    return inflated;
  }

  /** The content of a tree, commit or tag. The caller must not change it. */
  content(number: number): Buffer {
    const deltas: number[] = [];
    let content: Buffer | undefined;
    for (let at = number; ; ) {
      content = this.contents.get(at);
      if (content !== undefined) break;
      const { base } = this.table.entryOf(at);
      if (base === -1) {
        content = this.keep(at, this.entry(at));
        break;
      }
      if (deltas.push(at) > LONGEST_CHAIN) throw damaged(this.idOf(number));
      at = base;
    }
    for (let at = deltas.pop(); at !== undefined; at = deltas.pop()) {
      content = this.keep(at, this.applied(content, this.entry(at), at));
    }
    return content;
  }

  private applied(base: Buffer, delta: Buffer, number: number): Buffer {
    const size = deltaResultSize(delta);
    if (size > mostObjectBytes) throw tooLarge(this.idOf(number), size);
    const both = Buffer.allocUnsafe(base.length + size);
    base.copy(both);
    applyDelta(both, 0, base.length, delta, delta.length);
    // A copy, because the base would stay in memory with it.
    return Buffer.from(both.subarray(base.length));
  }

  private keep(number: number, content: Buffer): Buffer {
    this.contents.set(number, content, content.length + 128);
    return content;
  }
}

function tooLarge(oid: string, size: number): CairnError {
  return new CairnError(
    'too-large',
    `${oid} has ${size} bytes; a tree, commit or tag of more than ${mostObjectBytes} bytes cannot be converted`,
  );
}

function damaged(oid: string): CairnError {
  return new CairnError('corrupt', `the source pack has a damaged entry for ${oid}`);
}
