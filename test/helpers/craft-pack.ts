/**
 * Packs made by hand, entry by entry (gitformat-pack): for what no git client sends. Nothing is checked here; whatever
 * can be written down can be sent.
 */
import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import type { ObjectFormat } from '../../src/git/object-id.ts';
import type { RawObject } from './raw-git.ts';

const TYPES = { commit: 1, tree: 2, blob: 3, tag: 4 } as const;
const OFS_DELTA = 6;
const REF_DELTA = 7;
/** The largest copy that one instruction of a delta can ask for, in bytes. */
const MOST_COPIED = 0xff_ff_ff;

export interface PackEnd {
  /** The version in the header; 2 when not given. */
  readonly version?: number;
  /** How many objects the header announces; the truth when not given. */
  readonly count?: number;
  /** `wrong`: the trailer is not the checksum. */
  readonly trailer?: 'right' | 'wrong';
  /** Bytes behind the trailer. */
  readonly junk?: Uint8Array;
}

/** One pack under construction. */
export class CraftedPack {
  private readonly format: ObjectFormat;
  private readonly entries: Buffer[] = [];
  private readonly offsets: number[] = [];
  private length = 12;

  constructor(format: ObjectFormat = 'sha1') {
    this.format = format;
  }

  /** How many entries there are so far. */
  get count(): number {
    return this.entries.length;
  }

  /**
   * Adds an object as a whole.
   * @param declared the size that the entry announces, in bytes; the truth when not given
   * @returns the number of the entry, for {@link offsetDelta}
   */
  whole({ type, content }: RawObject, declared = content.length): number {
    return this.raw(Buffer.concat([entryHeader(TYPES[type], declared), deflateSync(content)]));
  }

  /** Adds several objects as a whole. */
  all(objects: Iterable<RawObject>): this {
    for (const object of objects) this.whole(object);
    return this;
  }

  /** Adds a delta against an entry of this pack. */
  offsetDelta(base: number, delta: Uint8Array, declared = delta.length, padding = 0): number {
    const back = this.length - (this.offsets[base] ?? this.length);
    const header = entryHeader(OFS_DELTA, declared, padding);
    return this.raw(Buffer.concat([header, distance(back), deflateSync(delta)]));
  }

  /** Adds a delta against an object by its id, in this pack, elsewhere, or nowhere. */
  refDelta(base: string, delta: Uint8Array, declared = delta.length): number {
    return this.raw(
      Buffer.concat([entryHeader(REF_DELTA, declared), Buffer.from(base, 'hex'), deflateSync(delta)]),
    );
  }

  /** Adds the bytes of an entry as they are. */
  raw(entry: Buffer): number {
    this.entries.push(entry);
    this.offsets.push(this.length);
    this.length += entry.length;
    return this.entries.length - 1;
  }

  /** The pack's bytes, whatever may follow its trailer included. */
  bytes({ version = 2, count = this.count, trailer = 'right', junk }: PackEnd = {}): Buffer {
    const header = Buffer.alloc(12);
    header.write('PACK');
    header.writeUInt32BE(version, 4);
    header.writeUInt32BE(count, 8);
    const body = Buffer.concat([header, ...this.entries]);
    const checksum = createHash(this.format).update(body).digest();
    if (trailer === 'wrong') checksum[0] = (checksum[0] ?? 0) ^ 1;
    return Buffer.concat([body, checksum, junk ?? Buffer.alloc(0)]);
  }
}

/**
 * A delta that copies the whole base and appends at most 127 bytes. The base is shorter than 16 MiB.
 * @param padding bytes of nothing behind each of its two sizes
 */
export function appendDelta(
  baseLength: number,
  appended: Uint8Array,
  padding: { readonly base?: number; readonly result?: number } = {},
): Buffer {
  return Buffer.concat([
    varint(baseLength, padding.base),
    varint(baseLength + appended.length, padding.result),
    copy(0, baseLength),
    Buffer.of(appended.length),
    appended,
  ]);
}

/** A part of the result of a delta: bytes of the base, or at most 127 bytes that it brings. */
export type DeltaPart = Uint8Array | { readonly offset: number; readonly length: number };

/** A delta put together of parts. The base is shorter than 16 MiB. */
export function deltaOf(baseLength: number, parts: readonly DeltaPart[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const instructions = parts.map((part) =>
    part instanceof Uint8Array
      ? Buffer.concat([Buffer.of(part.length), part])
      : copy(part.offset, part.length),
  );
  return Buffer.concat([varint(baseLength), varint(length), ...instructions]);
}

/** A delta that copies the whole base, of less than 16 MiB, `times` times over. */
export function repeatDelta(baseLength: number, times: number): Buffer {
  if (baseLength > MOST_COPIED) throw new RangeError('a base of 16 MiB and more takes several instructions');
  const instruction = copy(0, baseLength);
  return Buffer.concat([
    varint(baseLength),
    varint(baseLength * times),
    ...Array.from({ length: times }, () => instruction),
  ]);
}

/** An instruction to copy: four bytes of offset, three of size. */
function copy(offset: number, size: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(0xff, 0);
  bytes.writeUInt32LE(offset, 1);
  bytes.writeUIntLE(size, 5, 3);
  return bytes;
}

/**
 * Type in three bits, size in four and then seven at a time, the lowest first. Sizes may be beyond 32 bits.
 * @param padding bytes of nothing behind the size
 */
export function entryHeader(type: number, size: number, padding = 0): Buffer {
  const rest = Math.floor(size / 16);
  const first = (type << 4) | (size % 16);
  if (rest === 0 && padding === 0) return Buffer.of(first);
  return Buffer.concat([
    Buffer.of(first | 0x80),
    rest === 0 ? varint(0, padding - 1) : varint(rest, padding),
  ]);
}

/** Seven bits a byte, the lowest first. @param padding bytes of nothing behind it */
function varint(value: number, padding = 0): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  for (let more = 0; more < padding; more++) bytes.push((bytes.pop() ?? 0) | 0x80, 0);
  return Buffer.from(bytes);
}

/** How far back the base of a delta begins: seven bits a byte, the highest first, each continued one less by one. */
function distance(back: number): Buffer {
  const bytes = [back % 128];
  for (let rest = Math.floor(back / 128); rest > 0; rest = Math.floor(rest / 128)) {
    rest -= 1;
    bytes.unshift((rest % 128) | 0x80);
  }
  return Buffer.from(bytes);
}
