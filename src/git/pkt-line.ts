import { CairnError } from '../lib/errors.ts';

/**
 * The framing of git's protocol (gitprotocol-common, "pkt-line Format"): four hex digits giving the length of
 * the packet, themselves included, then the payload. The lengths 0, 1 and 2 are packets of their own without a
 * payload, 3 is an error, 4 is an empty payload, and 65520 is the longest packet there is.
 */
export type Packet =
  | { readonly kind: 'data'; readonly payload: Buffer }
  | { readonly kind: 'flush' }
  | { readonly kind: 'delimiter' }
  | { readonly kind: 'response-end' };

const headerLength = 4;
const maxPacketLength = 65520;

/** The most bytes one packet can carry. */
export const maxPayloadLength = maxPacketLength - headerLength;

/** `0000`: the end of a message. */
export const flushPacket: Buffer = Buffer.from('0000');
/** `0001`: the end of a section (protocol v2). */
export const delimiterPacket: Buffer = Buffer.from('0001');
/** `0002`: the end of a response (protocol v2, stateless connections). */
export const responseEndPacket: Buffer = Buffer.from('0002');

/** One packet carrying `payload`, text as UTF-8. Throws `invalid` above {@link maxPayloadLength} bytes. */
export function encodePacket(payload: string | Uint8Array): Buffer {
  const length = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.byteLength;
  const packet = Buffer.allocUnsafe(headerLength + length);
  packet.write(packetHeader(length), 'latin1');
  if (typeof payload === 'string') packet.write(payload, headerLength, 'utf8');
  else packet.set(payload, headerLength);
  return packet;
}

/** The four digits before `payloadLength` bytes. Throws `invalid` above {@link maxPayloadLength}. */
export function packetHeader(payloadLength: number): string {
  if (payloadLength > maxPayloadLength) {
    throw new CairnError(
      'invalid',
      `a packet carries at most ${maxPayloadLength} bytes, not ${payloadLength}`,
    );
  }
  return shortHeaders[payloadLength] ?? hexHeader(payloadLength);
}

function hexHeader(payloadLength: number): string {
  return (headerLength + payloadLength).toString(16).padStart(headerLength, '0');
}

/** The headers of lines of usual length: lists of 100,000 refs need one each. */
const shortHeaders = Array.from({ length: 256 }, (_, payloadLength) => hexHeader(payloadLength));

/** `payload` without the one line feed that may end it: senders should add it, receivers must not need it. */
export function lineOf(payload: Buffer): Buffer {
  return payload.at(-1) === 0x0a ? payload.subarray(0, -1) : payload;
}

/** The text of `payload` without the one line feed that may end it. Bytes that are not UTF-8 become U+FFFD. */
export function textOf(payload: Buffer): string {
  return lineOf(payload).toString('utf8');
}

const flush: Packet = { kind: 'flush' };
const delimiter: Packet = { kind: 'delimiter' };
const responseEnd: Packet = { kind: 'response-end' };

/**
 * Cuts a stream of bytes into packets, however the bytes were divided on their way. A payload is a view into
 * the chunk it came in unless it was spread over several, so whoever keeps one for long makes a copy.
 */
export class PacketReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #buffered = 0;
  #consumed = 0;

  /** `maxBytes` limits what all packets handed out may be long together, headers included. */
  constructor(options: { maxBytes?: number } = {}) {
    this.#maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY;
  }

  /** Bytes taken in and not yet handed out. */
  get buffered(): number {
    return this.#buffered;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
  }

  /**
   * The next packet, or undefined until more bytes have come.
   * Throws `invalid` for a length that is none, `too-large` when the packets exceed the limit.
   */
  next(): Packet | undefined {
    if (this.#buffered < headerLength) return undefined;
    const length = readLength(this.#front(headerLength));
    const size = Math.max(length, headerLength);
    if (this.#consumed + size > this.#maxBytes) {
      throw new CairnError('too-large', `the request is longer than ${this.#maxBytes} bytes`);
    }
    if (this.#buffered < size) return undefined;
    const bytes = this.#front(size);
    this.#drop(size);
    if (length === 0) return flush;
    if (length === 1) return delimiter;
    if (length === 2) return responseEnd;
    return { kind: 'data', payload: bytes.subarray(headerLength, size) };
  }

  /** Everything not yet handed out as a packet, in one piece. Nothing is left. */
  takeRest(): Buffer {
    const rest = this.#front(this.#buffered);
    this.#chunks = [];
    this.#buffered = 0;
    return rest;
  }

  /** A buffer that starts with the first `size` unread bytes. Chunks are joined only when one packet needs it. */
  #front(size: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= size) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }

  #drop(size: number): void {
    const first = this.#chunks[0];
    if (first?.length === size) this.#chunks.shift();
    else if (first !== undefined) this.#chunks[0] = first.subarray(size);
    this.#buffered -= size;
    this.#consumed += size;
  }
}

/** The length a packet's header states; upper-case digits are read as git reads them. */
function readLength(bytes: Buffer): number {
  const digits = bytes.toString('latin1', 0, headerLength);
  const length = /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
  if (Number.isNaN(length) || length === 3 || length > maxPacketLength) {
    const hex = bytes.toString('hex', 0, headerLength);
    throw new CairnError(
      'invalid',
      `malformed packet: ${JSON.stringify(digits)} (bytes ${hex}) is not a length`,
    );
  }
  return length;
}
