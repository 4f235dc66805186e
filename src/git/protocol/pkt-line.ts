import { CairnError } from '../../lib/errors.ts';

/**
 * The framing of git's protocol (gitprotocol-common, "pkt-line Format"): four hex digits with the length of the packet,
 * including these digits, then the payload. The lengths 0, 1 and 2 are special packets without a payload, 3 is an
 * error, 4 is an empty payload, and 65520 is the longest packet.
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

/** Encodes one packet that carries `payload`, text as UTF-8. Throws `invalid` above {@link maxPayloadLength} bytes. */
export function encodePacket(payload: string | Uint8Array): Buffer {
  const length = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.byteLength;
  const packet = Buffer.allocUnsafe(headerLength + length);
  packet.write(packetHeader(length), 'latin1');
  if (typeof payload === 'string') packet.write(payload, headerLength, 'utf8');
  else packet.set(payload, headerLength);
  return packet;
}

/** The header of a packet with `payloadLength` bytes. Throws `invalid` above {@link maxPayloadLength}. */
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

/** The headers of lines of usual length, computed once: a list of 100,000 refs needs 100,000 of them. */
const shortHeaders = Array.from({ length: 256 }, (_, payloadLength) => hexHeader(payloadLength));

/** `payload` without a final line feed: senders should add one, and receivers must not require it. */
export function lineOf(payload: Buffer): Buffer {
  return payload.at(-1) === 0x0a ? payload.subarray(0, -1) : payload;
}

/** The text of `payload` without a final line feed. Bytes that are not UTF-8 become U+FFFD. */
export function textOf(payload: Buffer): string {
  return lineOf(payload).toString('utf8');
}

const flush: Packet = { kind: 'flush' };
const delimiter: Packet = { kind: 'delimiter' };
const responseEnd: Packet = { kind: 'response-end' };
const noBytes: Buffer = Buffer.alloc(0);

/** A packet, or the beginning of one: `missing` bytes of its payload follow. */
export interface PacketPart {
  readonly packet: Packet;
  readonly missing: number;
}

/**
 * Cuts a stream of bytes into packets. A payload is a view into the chunk it came in, unless it was spread over
 * several chunks. A caller that keeps a payload for long makes a copy.
 */
export class PacketReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #buffered = 0;
  #consumed = 0;

  /** `maxBytes` limits the length of all returned packets together, headers included. */
  constructor(options: { maxBytes?: number } = {}) {
    this.#maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY;
  }

  /** Bytes pushed and not yet returned. */
  get buffered(): number {
    return this.#buffered;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
  }

  /**
   * The next packet, or undefined until more bytes are pushed.
   * Throws `invalid` for a malformed length, `too-large` if the packets exceed the limit.
   */
  next(): Packet | undefined {
    if (this.#buffered < headerLength) return undefined;
    const length = readLength(this.#front(headerLength));
    const size = Math.max(length, headerLength);
    this.#checkLimit(size);
    if (this.#buffered < size) return undefined;
    const bytes = this.#front(size);
    this.#drop(size);
    if (length === 0) return flush;
    if (length === 1) return delimiter;
    if (length === 2) return responseEnd;
    return { kind: 'data', payload: bytes.subarray(headerLength, size) };
  }

  /**
   * Like {@link next}, but of a data packet that is not here whole it gives the part that is, as the chunk has it: at least one byte. The rest
   * of the payload is then taken by {@link takeSome}. So long packets are passed on without being joined.
   */
  nextPart(): PacketPart | undefined {
    if (this.#buffered < headerLength) return undefined;
    const length = readLength(this.#front(headerLength));
    if (length <= headerLength || this.#buffered >= length) {
      const packet = this.next();
      return packet && { packet, missing: 0 };
    }
    if (this.#buffered === headerLength) return undefined;
    this.#checkLimit(length);
    const first = this.#front(headerLength + 1);
    this.#drop(first.length);
    const packet: Packet = { kind: 'data', payload: first.subarray(headerLength) };
    return { packet, missing: length - first.length };
  }

  /** The next bytes of a payload that {@link nextPart} gave a part of: at most `most`, as far as one chunk has them. */
  takeSome(most: number): Buffer {
    const [first] = this.#chunks;
    if (first === undefined) return noBytes;
    const part = first.subarray(0, most);
    this.#drop(part.length);
    return part;
  }

  /** Removes and returns all bytes that were not returned as packets. */
  takeRest(): Buffer {
    const rest = this.#front(this.#buffered);
    this.#chunks = [];
    this.#buffered = 0;
    return rest;
  }

  #checkLimit(size: number): void {
    if (this.#consumed + size > this.#maxBytes) {
      throw new CairnError('too-large', `the request is longer than ${this.#maxBytes} bytes`);
    }
  }

  /** A buffer that starts with the first `size` unread bytes. Chunks are joined only if one packet needs it. */
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

/** The length in a packet's header. Upper-case digits are allowed, as in git. */
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
