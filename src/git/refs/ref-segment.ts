/**
 * A run of refs in byte order of their names, immutable, kept as the lines of git's packed-refs file:
 *
 *     <object id> <name>
 *     ^<what the tag above peels to>
 *
 * Nothing but the bytes and where each ref begins is held: a million refs as strings would take three times the memory. In
 * this form they are searched by bisection, copied into packed-refs and stored as they are.
 */
import { isUtf8 } from 'node:buffer';
import { type Digest, sha256 } from '../../lib/digest.ts';
import { hexLength, isObjectId, type ObjectFormat } from '../object-id.ts';
import { refNameProblem } from './ref-name.ts';

/** Most bytes of one segment. */
export const maxSegmentBytes = 256 * 1024;

/** A ref, and for a tag object what it peels to. */
export interface RefEntry {
  readonly name: string;
  readonly oid: string;
  readonly peeled: string | undefined;
}

/** What is known of a segment without having its content. */
export interface SegmentSummary {
  /** The first name in it, and the last. */
  readonly first: string;
  readonly last: string;
  /** Number of refs. */
  readonly count: number;
  /** SHA-256 of its bytes. */
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** Which copy of it is stored; absent for the first. */
  readonly n?: number;
}

/** Encoded refs, of which it is known where each begins. */
export interface EncodedRefs {
  readonly bytes: Buffer;
  /** Where the bytes of each ref begin, and at the end where all of them end. */
  readonly starts: Uint32Array;
}

/** A ref that differs from the one in a segment: set, or gone. */
export interface RefChange {
  readonly name: string;
  /** undefined when the ref is deleted. */
  readonly oid: string | undefined;
  readonly peeled?: string | undefined;
}

/** A change with its name in bytes, by which it is put in order. */
export interface KeyedChange extends RefChange {
  readonly key: Buffer;
}

const LINE_FEED = 0x0a;
const SPACE = 0x20;
const CARET = 0x5e;

export class RefSegment implements EncodedRefs {
  readonly bytes: Buffer;
  readonly starts: Uint32Array;
  /** Tags among the refs of which it is known what they peel to. */
  readonly peels: number;
  private readonly hex: number;
  private readonly ascii: boolean;
  private byObject: Float64Array | undefined;
  private named: SegmentSummary | undefined;

  private constructor(bytes: Buffer, starts: Uint32Array, peels: number, hex: number, ascii: boolean) {
    this.bytes = bytes;
    this.starts = starts;
    this.peels = peels;
    this.hex = hex;
    this.ascii = ascii;
  }

  /** A segment of lines made here, of which nothing has to be checked. */
  static of(bytes: Buffer, format: ObjectFormat): RefSegment {
    const hex = hexLength(format);
    const starts: number[] = [];
    let peels = 0;
    for (let at = 0; at < bytes.length; at = bytes.indexOf(LINE_FEED, at) + 1) {
      if (bytes[at] === CARET) peels++;
      else starts.push(at);
    }
    starts.push(bytes.length);
    return new RefSegment(bytes, Uint32Array.from(starts), peels, hex, isAscii(bytes));
  }

  /**
   * Reads lines from elsewhere.
   * @returns what is wrong with them, as words that follow the name of the segment, if something is
   */
  static parse(bytes: Buffer, format: ObjectFormat): RefSegment | string {
    if (!isUtf8(bytes)) return 'it is not UTF-8';
    if (bytes.length > 0 && bytes.at(-1) !== LINE_FEED) return 'its last line has no end';
    const segment = RefSegment.of(bytes, format);
    return segment.problem(format) ?? segment;
  }

  /** Number of refs. */
  get count(): number {
    return this.starts.length - 1;
  }

  /** What describes it to those who have not got it. To be asked for only when there are refs in it. */
  get summary(): SegmentSummary {
    this.named ??= {
      first: this.nameAt(0),
      last: this.nameAt(this.count - 1),
      count: this.count,
      digest: sha256(this.bytes),
      size: this.bytes.length,
    };
    return this.named;
  }

  nameAt(at: number): string {
    return this.text(this.start(at) + this.hex + 1, this.nameEnd(at));
  }

  entryAt(at: number): RefEntry {
    const start = this.start(at);
    const end = this.start(at + 1);
    return {
      name: this.nameAt(at),
      oid: this.bytes.toString('latin1', start, start + this.hex),
      peeled: this.isPeeled(at) ? this.bytes.toString('latin1', end - 1 - this.hex, end - 1) : undefined,
    };
  }

  /** The first position whose name is not below `key`, the bytes of a name or of the beginning of one. */
  lowerBound(key: Buffer): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compare(middle, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The first position behind all names that begin with `prefix`. */
  upperBound(prefix: Buffer): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const from = this.start(middle) + this.hex + 1;
      const to = Math.min(this.nameEnd(middle), from + prefix.length);
      if (this.bytes.compare(prefix, 0, prefix.length, from, to) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether the name at a position is `key`; a position behind the last has none. */
  isAt(at: number, key: Buffer): boolean {
    return at < this.count && this.compare(at, key) === 0;
  }

  find(key: Buffer): RefEntry | undefined {
    const at = this.lowerBound(key);
    return this.isAt(at, key) ? this.entryAt(at) : undefined;
  }

  /** The refs at the positions from `from` up to, but not including, `to`. */
  *entries(from = 0, to = this.count): Generator<RefEntry, undefined> {
    const text = this.text(this.start(from), this.start(to));
    for (let at = 0; at < text.length; ) {
      const end = text.indexOf('\n', at);
      const oid = text.slice(at, at + this.hex);
      const name = text.slice(at + this.hex + 1, end);
      at = end + 1;
      let peeled: string | undefined;
      if (text.charCodeAt(at) === CARET) {
        peeled = text.slice(at + 1, at + 1 + this.hex);
        at += this.hex + 2;
      }
      yield { name, oid, peeled };
    }
    return undefined;
  }

  /** The refs whose value, or whose peeled value, is this object. */
  *pointingAt(oid: string): Generator<RefEntry, undefined> {
    this.byObject ??= this.indexObjects();
    const wanted = objectPrefix(oid) * POSITIONS;
    let low = 0;
    let high = this.byObject.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.byObject[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    for (let next = this.byObject[low]; next !== undefined && next < wanted + POSITIONS; ) {
      const entry = this.entryAt(next - wanted);
      if (entry.oid === oid || entry.peeled === oid) yield entry;
      next = this.byObject[++low];
    }
    return undefined;
  }

  /** The beginnings of all object ids with the positions of their refs, in one order: 16 bytes a ref at most. */
  private indexObjects(): Float64Array {
    const index = new Float64Array(this.count + this.peels);
    let used = 0;
    for (let at = 0; at < this.count; at++) {
      const start = this.start(at);
      index[used++] = objectPrefix(this.bytes.toString('latin1', start, start + PREFIX)) * POSITIONS + at;
      if (!this.isPeeled(at)) continue;
      const end = this.start(at + 1) - 1 - this.hex;
      index[used++] = objectPrefix(this.bytes.toString('latin1', end, end + PREFIX)) * POSITIONS + at;
    }
    return index.sort();
  }

  private problem(format: ObjectFormat): string | undefined {
    const { bytes, hex } = this;
    for (let at = 0; at < this.count; at++) {
      const start = this.start(at);
      const nameStart = start + hex + 1;
      const nameEnd = bytes.indexOf(LINE_FEED, start);
      if (
        bytes[nameStart - 1] !== SPACE ||
        !isObjectId(bytes.toString('latin1', start, start + hex), format)
      ) {
        return `line ${at + 1} is not a ref`;
      }
      const name = bytes.toString('utf8', nameStart, nameEnd);
      const problem = refNameProblem(name);
      if (problem !== undefined) return `${name}: ${problem}`;
      const before = at === 0 ? undefined : this.start(at - 1) + hex + 1;
      if (
        before !== undefined &&
        bytes.compare(bytes, before, this.nameEnd(at - 1), nameStart, nameEnd) <= 0
      ) {
        return `${name} is not in its place`;
      }
      const end = this.start(at + 1);
      if (nameEnd + 1 === end) continue;
      // One line more, a caret and an object id, or what stands there is something else.
      const peeled = bytes.toString('latin1', nameEnd + 2, end - 1);
      if (end !== nameEnd + hex + 3 || !isObjectId(peeled, format))
        return `${name} is peeled to no object id`;
    }
    return (this.starts[0] ?? 0) === 0 ? undefined : 'it begins with no ref';
  }

  private text(from: number, to: number): string {
    return this.bytes.toString(this.ascii ? 'latin1' : 'utf8', from, to);
  }

  private start(at: number): number {
    return this.starts[at] ?? this.bytes.length;
  }

  private nameEnd(at: number): number {
    return this.start(at + 1) - (this.isPeeled(at) ? this.hex + 3 : 1);
  }

  /** No name and no object id has a caret, so one in that place begins a line of its own. */
  private isPeeled(at: number): boolean {
    return this.bytes[this.start(at + 1) - this.hex - 2] === CARET;
  }

  private compare(at: number, key: Buffer): number {
    return this.bytes.compare(key, 0, key.length, this.start(at) + this.hex + 1, this.nameEnd(at));
  }
}

/** Hex digits of an object id that are indexed, and room for the position beside them in a number of 53 bits. */
const PREFIX = 8;
const POSITIONS = 2 ** 20;

function objectPrefix(oid: string): number {
  return Number.parseInt(oid.slice(0, PREFIX), 16);
}

function isAscii(bytes: Buffer): boolean {
  // Every other character takes more than one byte, so the text is shorter than its bytes.
  return bytes.toString().length === bytes.length;
}

/** A ref as packed-refs has it. */
export function packedRefLines({ name, oid, peeled }: RefEntry): string {
  return peeled === undefined ? `${oid} ${name}\n` : `${oid} ${name}\n^${peeled}\n`;
}

/**
 * The refs of a segment from one position up to another with changes applied, in whatever form they are encoded.
 * @param encoded the refs of `segment`, all of them, in that form
 * @param changes in byte order, each with its place between the two positions
 * @param encode one ref in that form
 */
export function splice(
  segment: RefSegment | undefined,
  encoded: EncodedRefs | undefined,
  changes: readonly KeyedChange[],
  encode: (entry: RefEntry) => Buffer,
  from = 0,
  to = segment?.count ?? 0,
): Buffer {
  const pieces: Buffer[] = [];
  let at = from;
  const copyUpTo = (position: number) => {
    if (encoded !== undefined && position > at) {
      pieces.push(encoded.bytes.subarray(encoded.starts[at], encoded.starts[position]));
    }
  };
  for (const { name, key, oid, peeled } of changes) {
    const position = segment?.lowerBound(key) ?? 0;
    copyUpTo(position);
    at = segment?.isAt(position, key) === true ? position + 1 : position;
    if (oid !== undefined) pieces.push(encode({ name, oid, peeled }));
  }
  copyUpTo(to);
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
}
