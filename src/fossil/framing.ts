import { promisify } from 'node:util';
import { constants, createDeflate, createInflate, deflate, deflateSync, inflateSync } from 'node:zlib';
import { CairnError, isCairnError, messageOf } from '../lib/errors.ts';
import { type Bytes, forEachPiece } from '../lib/file-bytes.ts';
import { FossilSyntaxError } from './syntax-error.ts';
import { throughZlib, ZlibPieces } from './zlib-aside.ts';

/**
 * How a message travels in a body. The type of the body alone says which way it is:
 *
 * - `application/x-fossil`              four bytes with the size of the message, big-endian, then one zlib stream
 * - `application/x-fossil-debug`        the message as it is; clients use it with `--httptrace`
 * - `application/x-fossil-uncompressed` the message as it is; replies to clones from version 3 on
 */
export type ContentType =
  | 'application/x-fossil'
  | 'application/x-fossil-debug'
  | 'application/x-fossil-uncompressed';

const CONTENT_TYPES: readonly ContentType[] = [
  'application/x-fossil',
  'application/x-fossil-debug',
  'application/x-fossil-uncompressed',
];

const PREFIX_BYTES = 4;

/** Smaller bodies are inflated at once: a thread for them takes longer than the work. */
const SMALL_BYTES = 16_384;

/** Largest buffer that zlib writes into at once: each takes a turn of the event loop. */
const LARGEST_CHUNK = 1 << 20;

/** Bytes that a decoder inflates at once. */
const PIECE_BYTES = 1 << 18;

const deflateAside = promisify(deflate);

/** The type that a `Content-Type` header names; undefined for other types. Parameters are ignored. */
export function contentTypeOf(header: string | undefined): ContentType | undefined {
  const type = header?.split(';', 1)[0]?.trim().toLowerCase();
  return CONTENT_TYPES.find((known) => known === type);
}

/**
 * The message of a body. An empty body is an empty message.
 * @param maxBytes of the message. The size that a compressed body declares is checked before anything is inflated
 * @returns for types that are not compressed the body itself, not a copy. Throws {@link FossilSyntaxError}: `too-large`
 *   above `maxBytes`, `invalid` if the body is not what its type says
 */
export async function decodeMessage(
  type: ContentType,
  body: Uint8Array,
  maxBytes: number,
): Promise<Uint8Array> {
  if (type !== 'application/x-fossil') {
    refuseTooLarge(body.byteLength, maxBytes);
    return body;
  }
  if (body.byteLength === 0) return body;
  if (body.byteLength < PREFIX_BYTES) {
    throw cutInPrefix();
  }
  const size = new DataView(body.buffer, body.byteOffset).getUint32(0);
  refuseTooLarge(size, maxBytes);
  return inflateExactly(body.subarray(PREFIX_BYTES), size);
}

/**
 * Decodes a body piece by piece, for messages that are too large for memory. Whoever makes one ends it with `end`, or with `destroy`
 * after an error.
 */
export class MessageDecoder {
  private readonly isCompressed: boolean;
  private readonly maxBytes: number;
  private readonly sink: (piece: Uint8Array) => unknown;
  private prefix = Buffer.alloc(0);
  private inflating: { readonly pieces: ZlibPieces; readonly size: number } | undefined;
  private made = 0;

  /**
   * @param maxBytes of the message, as for {@link decodeMessage}
   * @param sink gets the message. The memory of a piece may serve again once the sink is done with it
   */
  constructor(type: ContentType, maxBytes: number, sink: (piece: Uint8Array) => unknown) {
    this.isCompressed = type === 'application/x-fossil';
    this.maxBytes = maxBytes;
    this.sink = sink;
  }

  /** Takes a piece of the body. @throws FossilSyntaxError as {@link decodeMessage}; what the sink throws */
  async write(piece: Uint8Array): Promise<void> {
    if (!this.isCompressed) return this.pass(piece, this.maxBytes);
    let rest = piece;
    if (this.inflating === undefined) {
      const missing = PREFIX_BYTES - this.prefix.length;
      this.prefix = Buffer.concat([this.prefix, piece.subarray(0, missing)]);
      if (this.prefix.length < PREFIX_BYTES) return;
      rest = piece.subarray(missing);
      this.inflating = this.begin(this.prefix.readUInt32BE(0));
    }
    await this.inflated(this.inflating.pieces.write(rest));
  }

  /** Ends the body. @throws as {@link write} */
  async end(): Promise<void> {
    const { inflating, prefix } = this;
    if (inflating === undefined) {
      if (prefix.length > 0) throw cutInPrefix();
      return;
    }
    const { fed, read } = await this.inflated(inflating.pieces.end());
    if (this.made !== inflating.size || read !== fed) throw wrongSize(inflating.size);
  }

  destroy(): void {
    this.inflating?.pieces.destroy();
  }

  private begin(size: number) {
    refuseTooLarge(size, this.maxBytes);
    const inflater = createInflate({ chunkSize: PIECE_BYTES });
    return { size, pieces: new ZlibPieces(inflater, (piece) => this.pass(piece, size)) };
  }

  private async pass(piece: Uint8Array, most: number): Promise<void> {
    this.made += piece.length;
    if (this.made > most) {
      if (this.isCompressed) throw wrongSize(most);
      refuseTooLarge(this.made, most);
    }
    await this.sink(piece);
  }

  private async inflated<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw isCairnError(error) ? error : notInflated(error);
    }
  }
}

/** A body of this type with a message. */
export async function encodeMessage(type: ContentType, message: Uint8Array): Promise<Uint8Array> {
  if (type !== 'application/x-fossil') return message;
  if (message.byteLength > 0xffff_ffff) {
    throw new CairnError('too-large', 'a message has at most 4 GiB: its size is written in four bytes');
  }
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.byteLength);
  const stream =
    message.byteLength <= SMALL_BYTES
      ? deflateSync(message)
      : await deflateAside(message, { chunkSize: chunkFor(message.byteLength / 2) });
  return Buffer.concat([prefix, stream]);
}

/**
 * A compressed body with a message that is too large for memory.
 * @param message in parts
 * @param sink gets the body. The memory of a piece may serve again once the sink is done with it
 */
export async function encodeInPieces(
  message: readonly Bytes[],
  sink: (piece: Uint8Array) => unknown,
): Promise<void> {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.reduce((size, { length }) => size + length, 0));
  await sink(prefix);
  const pieces = new ZlibPieces(createDeflate({ chunkSize: PIECE_BYTES }), sink);
  try {
    for (const part of message) await forEachPiece(part, (piece) => pieces.write(piece));
    await pieces.end();
  } finally {
    pieces.destroy();
  }
}

/** @param bytes that zlib is expected to write */
function chunkFor(bytes: number): number {
  return Math.max(constants.Z_MIN_CHUNK, Math.min(LARGEST_CHUNK, Math.ceil(bytes)));
}

function refuseTooLarge(size: number, maxBytes: number): void {
  if (size <= maxBytes) return;
  throw new FossilSyntaxError('too-large', `the message has ${size} bytes; at most ${maxBytes} are taken`);
}

/** Inflates a stream that must give exactly `size` bytes, and of which nothing may be left. */
async function inflateExactly(stream: Uint8Array, size: number): Promise<Uint8Array> {
  try {
    if (stream.byteLength <= SMALL_BYTES && size <= 4 * SMALL_BYTES) {
      // One byte more tells a stream that is too long from one that fits. Zero is no limit for zlib.
      const options = { maxOutputLength: size + 1, info: true, chunkSize: chunkFor(size + 1) };
      const result: unknown = inflateSync(stream, options);
      const { buffer, engine } = result as { buffer: Buffer; engine: { bytesWritten: number } };
      if (buffer.byteLength === size && engine.bytesWritten === stream.byteLength) return buffer;
    } else {
      // Memory that nothing is written to takes no place: a body may declare much and have little.
      const message = Buffer.allocUnsafeSlow(size);
      const inflater = createInflate({ chunkSize: chunkFor(size) });
      const { written, read } = await throughZlib(inflater, stream, message);
      if (written === size && read === stream.byteLength) return message;
    }
  } catch (error) {
    throw notInflated(error);
  }
  throw wrongSize(size);
}

function cutInPrefix(): FossilSyntaxError {
  return new FossilSyntaxError('invalid', 'the body is cut short within the size of the message');
}

function notInflated(error: unknown): FossilSyntaxError {
  return new FossilSyntaxError('invalid', `the body cannot be inflated: ${messageOf(error)}`);
}

function wrongSize(size: number): FossilSyntaxError {
  return new FossilSyntaxError('invalid', `the body does not inflate to the ${size} bytes that it declares`);
}
