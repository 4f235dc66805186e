import { createHash, type Hash } from 'node:crypto';
import { closeSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { encodePackHeader } from '../../git/index.ts';
import { readFully } from '../../lib/paged-file.ts';
import type { PackedType } from './object-table.ts';

const OFFSET_DELTA = 6;
const BUFFER_BYTES = 1024 * 1024;

/** Small windows are set up faster, and hold all of a small object. */
const SMALL_BYTES = 4096;
const SMALL_WINDOW = { windowBits: 12, memLevel: 5 } as const;

/** Shorter deltas of trees are mostly ids, which do not get smaller; a call of zlib would cost more than all else. */
const STORED_BYTES = 256;
const ADLER_MODULUS = 65_521;

/** Writes a pack for a SHA-256 repository (gitformat-pack) to a file, entry by entry. It can go on where another one stopped. */
export class PackWriter {
  private readonly descriptor: number;
  private readonly buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  private buffered = 0;
  private written: number;
  private hash: Hash = createHash('sha256');

  /**
   * @param path the file, which may have the beginning of the pack
   * @param length bytes of the file to keep; 0 to begin a pack
   * @param objects number of objects of the whole pack
   */
  constructor(path: string, length: number, objects: number) {
    closeSync(openSync(path, 'a', 0o600));
    this.descriptor = openSync(path, 'r+');
    ftruncateSync(this.descriptor, length);
    this.written = length;
    if (length === 0) this.append(encodePackHeader(objects));
    else this.hashAgain(length);
  }

  /** Bytes of the pack so far: where the next entry will begin. */
  get length(): number {
    return this.written + this.buffered;
  }

  /** Adds an object that is stored whole. @returns where its entry begins */
  addWhole(type: PackedType, content: Buffer): number {
    const place = this.length;
    this.append(entryHeader(type, content.length));
    this.append(deflate(content));
    return place;
  }

  /** Adds an object that is stored as a delta. @returns where its entry begins */
  addDelta(basePlace: number, delta: Buffer): number {
    const place = this.beginEntry(OFFSET_DELTA, delta.length, basePlace);
    this.append(delta.length <= STORED_BYTES ? store(delta) : deflate(delta));
    return place;
  }

  /**
   * Adds the header of an entry, whose deflated data the caller appends.
   * @param size inflated size of the data in bytes
   * @param basePlace where the base of a delta begins in this pack; undefined for an object that is stored whole
   * @returns where the entry begins
   */
  beginEntry(type: PackedType | typeof OFFSET_DELTA, size: number, basePlace?: number): number {
    const place = this.length;
    this.append(entryHeader(basePlace === undefined ? type : OFFSET_DELTA, size));
    if (basePlace !== undefined) this.append(distance(place - basePlace));
    return place;
  }

  append(bytes: Buffer): void {
    if (this.buffered + bytes.length > BUFFER_BYTES) this.writeBuffer();
    if (bytes.length > BUFFER_BYTES) this.write(bytes);
    else this.buffered += bytes.copy(this.buffer, this.buffered);
  }

  /** Makes all entries durable. */
  flush(): void {
    this.writeBuffer();
    fsyncSync(this.descriptor);
  }

  /**
   * Writes the trailer and makes the file durable.
   * @param objects number of objects, if it was not known before; the file is then read once more
   * @returns the trailer in hex, which git names the pack after
   */
  finish(objects?: number): string {
    this.writeBuffer();
    if (objects !== undefined) {
      writeFully(this.descriptor, encodePackHeader(objects), 0);
      this.hashAgain(this.written);
    }
    const trailer = this.hash.digest();
    writeFully(this.descriptor, trailer, this.written);
    fsyncSync(this.descriptor);
    return trailer.toString('hex');
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private hashAgain(length: number): void {
    this.hash = createHash('sha256');
    for (let at = 0; at < length; ) {
      const got = readFully(this.descriptor, this.buffer, at, Math.min(BUFFER_BYTES, length - at));
      if (got === 0) throw new Error('the beginning of the pack is shorter than was recorded');
      this.hash.update(this.buffer.subarray(0, got));
      at += got;
    }
  }

  private writeBuffer(): void {
    this.write(this.buffer.subarray(0, this.buffered));
    this.buffered = 0;
  }

  private write(bytes: Buffer): void {
    this.hash.update(bytes);
    writeFully(this.descriptor, bytes, this.written);
    this.written += bytes.length;
  }
}

function deflate(content: Buffer): Buffer {
  return content.length <= SMALL_BYTES ? deflateSync(content, SMALL_WINDOW) : deflateSync(content);
}

/** A zlib stream of one stored block (RFC 1950, RFC 1951). */
function store(content: Buffer): Buffer {
  const { length } = content;
  const stream = Buffer.allocUnsafe(length + 11);
  stream.writeUInt16BE(0x7801, 0);
  stream[2] = 1;
  stream.writeUInt16LE(length, 3);
  stream.writeUInt16LE(length ^ 0xffff, 5);
  content.copy(stream, 7);
  // At most 256 bytes: the sums stay far below 2^31, so one division at the end is enough.
  let [a, b] = [1, 0];
  for (const byte of content) {
    a += byte;
    b += a;
  }
  stream.writeUInt16BE(b % ADLER_MODULUS, length + 7);
  stream.writeUInt16BE(a % ADLER_MODULUS, length + 9);
  return stream;
}

function entryHeader(type: number, size: number): Buffer {
  const bytes: number[] = [];
  let rest = Math.floor(size / 16);
  bytes.push((type << 4) | (size % 16) | (rest > 0 ? 0x80 : 0));
  while (rest > 0) {
    const byte = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(byte | (rest > 0 ? 0x80 : 0));
  }
  return Buffer.from(bytes);
}

/** How far back the base of a delta begins, in the form of an offset delta. */
function distance(back: number): Buffer {
  const bytes = [back % 128];
  for (let rest = Math.floor(back / 128) - 1; rest >= 0; rest = Math.floor(rest / 128) - 1) {
    bytes.unshift((rest % 128) | 0x80);
  }
  return Buffer.from(bytes);
}

function writeFully(descriptor: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
  }
}
