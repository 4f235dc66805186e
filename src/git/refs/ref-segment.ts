/**
 * An immutable run of refs in byte order of their names, kept as the lines of git's packed-refs file:
 *
 *     <object id> <name>
 *     ^<peeled object id of the tag above>
 *
 * A segment holds only these bytes and the offset of each ref: a million refs as strings would take three times the memory.
 * The bytes are searched by bisection, copied into packed-refs, and stored unchanged.
 */
import { isUtf8 } from 'node:buffer';
import { type Digest, sha256 } from '../../lib/digest.ts';
import { hexLength, isObjectId, type ObjectFormat } from '../object-id.ts';
import { refNameProblem } from './ref-name.ts';

/** Maximum size of a segment in bytes. */
export const maxSegmentBytes = 256 * 1024;

/** A ref; for a tag object with its peeled object id. */
export interface RefEntry {
  readonly name: string;
  readonly oid: string;
  readonly peeled: string | undefined;
}

/** The facts about a segment that are known before its content is loaded. */
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
  /** Number of the stored copy; absent for the first. */
  readonly n?: number;
}

/** Encoded refs with their offsets. */
export interface EncodedRefs {
  readonly bytes: Buffer;
  /** The offset of each ref, and as the last item the end of the bytes. */
  readonly starts: Uint32Array;
}

/** A change of one ref, over a segment: it is set or deleted. */
export interface RefChange {
  readonly name: string;
  /** undefined when the ref is deleted. */
  readonly oid: string | undefined;
  readonly peeled?: string | undefined;
}

/** A change with its name as bytes, by which changes are sorted. */
export interface KeyedChange extends RefChange {
  readonly key: Buffer;
}

const LINE_FEED = 0x0a;
const SPACE = 0x20;
const CARET = 0x5e;

export class RefSegment implements EncodedRefs {
  readonly bytes: Buffer;
  readonly starts: Uint32Array;
  /** Number of refs with a peeled object id. */
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

  /** Makes a segment of trusted lines, without checks. */
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
   * Makes a segment of untrusted lines.
   * @returns the segment, or what is wrong with the lines, as a phrase to follow the name of the segment
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

  /** The summary that is used until the segment is loaded. The segment must not be empty. */
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

  /** The first position whose name is not less than `key`: the bytes of a name or of a prefix. */
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

  /** The first position after all names that begin with `prefix`. */
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

  /** Whether the name at a position is `key`; false for a position after the last. */
  isAt(at: number, key: Buffer): boolean {
    return at < this.count && this.compare(at, key) === 0;
  }

  find(key: Buffer): RefEntry | undefined {
    const at = this.lowerBound(key);
    return this.isAt(at, key) ? this.entryAt(at) : undefined;
  }

  /** The refs at positions `from` to `to`, without `to`. */
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

  /** A sorted index of object id prefixes with the positions of their refs: at most 16 bytes a ref. */
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
      // Only one more line is allowed here: a caret and an object id.
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

  /** No ref name and no object id contains a caret, so a caret in that place begins a line. */
  private isPeeled(at: number): boolean {
    return this.bytes[this.start(at + 1) - this.hex - 2] === CARET;
  }

  private compare(at: number, key: Buffer): number {
    return this.bytes.compare(key, 0, key.length, this.start(at) + this.hex + 1, this.nameEnd(at));
  }
}

/** Hex digits of an object id in the index. Prefix and position share one number of 53 bits. */
const PREFIX = 8;
const POSITIONS = 2 ** 20;

function objectPrefix(oid: string): number {
  return Number.parseInt(oid.slice(0, PREFIX), 16);
}

function isAscii(bytes: Buffer): boolean {
  // Any other character takes more than one byte, so the text would be shorter than its bytes.
  return bytes.toString().length === bytes.length;
}

/** The lines of a ref in packed-refs. */
export function packedRefLines({ name, oid, peeled }: RefEntry): string {
  return peeled === undefined ? `${oid} ${name}\n` : `${oid} ${name}\n^${peeled}\n`;
}

/**
 * Applies changes to the encoded refs of a segment, from one position up to another.
 * @param encoded all refs of `segment` in some encoding
 * @param changes in byte order; each belongs between the two positions
 * @param encode encodes one ref in that encoding
 */
export function applyChanges(
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
