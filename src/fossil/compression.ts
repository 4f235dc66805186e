/**
 * Payloads as Fossil stores them and as `cfile` cards carry them: the size of the content in four bytes, with the highest
 * first, and the content as one zlib stream (RFC 1950).
 */
import { createDeflate, createInflate, deflateSync, inflateSync } from 'node:zlib';
import { CairnError, isCairnError } from '../lib/errors.ts';
import { type Bytes, FileBytes, forEachPiece } from '../lib/file-bytes.ts';
import { Inflater } from '../lib/inflate.ts';
import { throughZlib, ZlibPieces } from './zlib-aside.ts';

/** Bytes before the zlib stream. */
const HEAD = 4;

/** Up to this size JavaScript inflates faster than a call of zlib, which first allocates its window. */
const SMALL = 2_048;

const small = new Inflater();

/** Bounds of zlib's window, as powers of two, and the memory that goes with the largest. */
const SMALLEST_WINDOW = 9;
const LARGEST_WINDOW = 15;
const MOST_MEMORY = 8;

/** What zlib keeps beyond its window for a match (`MIN_LOOKAHEAD` in its source). */
const LOOKAHEAD = 262;

/** Bytes that deflated content may be larger by: its head and checksum, and five bytes for each block. */
const OVERHEAD = 64;

/** Largest content of a block that is not compressed (RFC 1951, section 3.2.4), and the bytes before it. */
const LARGEST_BLOCK = 0xffff;
const BLOCK_HEAD = 5;

/** The head of a stream with the largest window at the fastest level. {@link deflatePayload} writes others. */
const STORED_HEAD = [0x78, 0x01] as const;

/** Bytes after the stream: its checksum. */
const CHECKSUM = 4;

/** Bytes that a checksum sums up before it has to take the remainder: both sums stay below 2^32 (RFC 1950, section 9). */
const SUMMED = 5_552;

/** Largest buffer that zlib writes into at once. */
const LARGEST_CHUNK = 1 << 18;

/**
 * Most artifacts are small, and a call costs them more than their bytes do: zlib clears 256 KiB first, and the garbage collector
 * is told of them. A window of the content's size finds the same matches.
 * @returns the content as a payload
 */
export function deflatePayload(content: Uint8Array): Uint8Array {
  const { length } = content;
  const needed = Math.ceil(Math.log2(length + LOOKAHEAD));
  const windowBits = Math.min(LARGEST_WINDOW, Math.max(SMALLEST_WINDOW, needed));
  const memLevel = Math.min(MOST_MEMORY, windowBits - 6);
  const chunkSize = Math.min(LARGEST_CHUNK, length + OVERHEAD);
  const deflated = deflateSync(content, { windowBits, memLevel, chunkSize });
  const payload = Buffer.allocUnsafe(HEAD + deflated.length);
  payload.writeUInt32BE(content.length);
  payload.set(deflated, HEAD);
  return payload;
}

/** Bytes of contents and payloads from which on zlib works in a thread: more would hold others up for milliseconds. */
const LARGE = 1 << 20;

/** As {@link deflatePayload}; a large content is compressed in a thread, and takes no memory but that of its payload. */
export async function deflatePayloadAside(content: Uint8Array): Promise<Uint8Array> {
  const { length } = content;
  if (length < LARGE) return deflatePayload(content);
  // Blocks that cannot be compressed have five bytes more each, and at least 16 KiB.
  const payload = Buffer.allocUnsafeSlow(HEAD + length + Math.ceil(length / 3_000) + OVERHEAD);
  payload.writeUInt32BE(length);
  const deflater = createDeflate({ chunkSize: LARGEST_CHUNK });
  const { written } = await throughZlib(deflater, content, payload.subarray(HEAD));
  return payload.subarray(0, HEAD + written);
}

/** As {@link inflatePayload}; a large content is inflated in a thread, and takes its memory once. */
export async function inflatePayloadAside(payload: Uint8Array, maxSize: number): Promise<Uint8Array> {
  const size = payloadContentSize(payload);
  if (size < LARGE || size > maxSize) return inflatePayload(payload, maxSize);
  const content = Buffer.allocUnsafeSlow(size);
  const stream = payload.subarray(HEAD);
  try {
    const inflater = createInflate({ chunkSize: LARGEST_CHUNK });
    const { written, read } = await throughZlib(inflater, stream, content);
    if (written === size && read === stream.length) return content;
  } catch (error) {
    throw damaged(error);
  }
  throw damaged();
}

/**
 * As {@link inflatePayload}, for contents and payloads that are too large for memory.
 * @param sink gets the content. The memory of a piece may serve again once the sink is done with it
 */
export async function inflatePayloadInPieces(
  payload: Bytes,
  maxSize: number,
  sink: (piece: Uint8Array) => unknown,
): Promise<void> {
  const size = await contentSizeOf(payload);
  if (size > maxSize) throw tooLarge(size, maxSize);
  let made = 0;
  const pieces = new ZlibPieces(createInflate({ chunkSize: LARGEST_CHUNK }), (piece) => {
    made += piece.length;
    if (made > size) throw damaged();
    return sink(piece);
  });
  const stream = payload instanceof FileBytes ? payload.slice(HEAD) : payload.subarray(HEAD);
  try {
    await forEachPiece(stream, (piece) => pieces.write(piece));
    const { fed, read } = await pieces.end();
    if (made !== size || read !== fed) throw damaged();
  } catch (error) {
    throw isCairnError(error) ? error : damaged(error);
  } finally {
    pieces.destroy();
  }
}

/** As {@link deflatePayload}, for contents that are too large for memory. @param sink gets the payload, as for inflating */
export async function deflatePayloadInPieces(
  content: Bytes,
  sink: (piece: Uint8Array) => unknown,
): Promise<void> {
  const head = Buffer.alloc(HEAD);
  head.writeUInt32BE(content.length);
  await sink(head);
  const pieces = new ZlibPieces(createDeflate({ chunkSize: LARGEST_CHUNK }), sink);
  try {
    await forEachPiece(content, (piece) => pieces.write(piece));
    await pieces.end();
  } finally {
    pieces.destroy();
  }
}

/** As {@link payloadContentSize}, for a payload that may be in a file. */
export async function contentSizeOf(payload: Bytes): Promise<number> {
  return payloadContentSize(payload instanceof FileBytes ? await payload.read(0, HEAD) : payload);
}

/**
 * A payload whose stream holds the content as it is, for content that is soon stored in another form. It costs next to
 * nothing, and 11 bytes more than the content if that has less than 64 KiB.
 */
export function storedPayload(content: Uint8Array): Uint8Array {
  const { length } = content;
  const blocks = Math.max(1, Math.ceil(length / LARGEST_BLOCK));
  const payload = Buffer.allocUnsafe(HEAD + STORED_HEAD.length + BLOCK_HEAD * blocks + length + CHECKSUM);
  payload.writeUInt32BE(length);
  payload.set(STORED_HEAD, HEAD);
  let at = HEAD + STORED_HEAD.length;
  for (let block = 0; block < blocks; block++) {
    const part = content.subarray(block * LARGEST_BLOCK, (block + 1) * LARGEST_BLOCK);
    payload[at] = block === blocks - 1 ? 1 : 0;
    payload.writeUInt16LE(part.length, at + 1);
    payload.writeUInt16LE(part.length ^ LARGEST_BLOCK, at + 3);
    payload.set(part, at + BLOCK_HEAD);
    at += BLOCK_HEAD + part.length;
  }
  payload.writeUInt32BE(adlerOf(content), at);
  return payload;
}

/** Whether a payload is one of {@link storedPayload}: it may get smaller. */
export function isStoredPayload(payload: Uint8Array): boolean {
  const [first, second] = STORED_HEAD;
  return payload[HEAD] === first && payload[HEAD + 1] === second && ((payload[HEAD + 2] ?? 0) & 6) === 0;
}

/**
 * The size that a payload declares for its content.
 * @throws CairnError `invalid` if it is too short to be a payload
 */
export function payloadContentSize(payload: Uint8Array): number {
  if (payload.length < HEAD) throw new CairnError('invalid', 'a compressed payload has no size');
  return (
    (payload[0] ?? 0) * 0x1_00_00_00 +
    ((payload[1] ?? 0) << 16) +
    ((payload[2] ?? 0) << 8) +
    (payload[3] ?? 0)
  );
}

/**
 * The content of a payload.
 * @param maxSize largest content in bytes; the declared size is compared before anything is inflated
 * @throws CairnError `too-large`, or `invalid` if the stream is damaged, has another size than declared, or ends before the
 *   payload does
 */
export function inflatePayload(payload: Uint8Array, maxSize: number): Uint8Array {
  const size = payloadContentSize(payload);
  if (size > maxSize) throw tooLarge(size, maxSize);
  return size <= SMALL ? inflateSmall(payload, size) : inflateLarge(payload, size);
}

function inflateSmall(payload: Uint8Array, size: number): Uint8Array {
  const content = Buffer.allocUnsafe(size);
  const checksumAt = payload.length - 4;
  const head = (payload[HEAD] ?? 0) * 256 + (payload[HEAD + 1] ?? 0);
  if (
    head % 31 !== 0 ||
    !small.inflate(payload, HEAD, checksumAt, content, 0, size) ||
    small.end !== checksumAt ||
    !isAdler(content, payload, checksumAt)
  ) {
    throw damaged();
  }
  return content;
}

function inflateLarge(payload: Uint8Array, size: number): Uint8Array {
  try {
    // A stream that holds more than declared fails, too.
    const { buffer, engine } = inflateSync(payload.subarray(HEAD), {
      chunkSize: Math.min(LARGEST_CHUNK, size + 1),
      maxOutputLength: size,
      info: true,
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    if (buffer.length === size && engine.bytesWritten === payload.length - HEAD) return buffer;
  } catch (error) {
    throw damaged(error);
  }
  throw damaged();
}

/** Whether the four bytes at `at` are the Adler-32 checksum of the content. */
function isAdler(content: Uint8Array, bytes: Uint8Array, at: number): boolean {
  const sum = adlerOf(content);
  return (
    bytes[at] === sum >>> 24 &&
    bytes[at + 1] === ((sum >>> 16) & 255) &&
    bytes[at + 2] === ((sum >>> 8) & 255) &&
    bytes[at + 3] === (sum & 255)
  );
}

/** The Adler-32 checksum (RFC 1950, section 8.2). */
function adlerOf(content: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (let at = 0; at < content.length; ) {
    const end = Math.min(content.length, at + SUMMED);
    for (; at < end; at++) {
      low += content[at] ?? 0;
      high += low;
    }
    low %= 65_521;
    high %= 65_521;
  }
  return ((high << 16) | low) >>> 0;
}

function tooLarge(size: number, maxSize: number): CairnError {
  return new CairnError(
    'too-large',
    `a compressed payload declares ${size} bytes, and ${maxSize} are allowed`,
  );
}

function damaged(cause?: unknown): CairnError {
  return new CairnError('invalid', 'a compressed payload is damaged', { cause });
}
