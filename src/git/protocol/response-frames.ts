import { cleanReason } from '../reason.ts';
import { encodeErrorPacket } from './error-packet.ts';
import { encodeSideband, smallSideband } from './sideband.ts';

/** Characters of a packet's length. As many characters at the start of a payload tell its type. */
const HEADER = 4;

/** Characters kept from the end of side-band 2. */
const PROGRESS_KEPT = 1_024;

/**
 * Follows the packets of a response to a git client, so that an error can be reported in the form the client expects: as an
 * ERR packet between packets, or on side-band 3 once a side-band has begun. Inside a packet, or inside a pack that is sent
 * without a side-band, no error can be reported.
 */
export class ResponseFrames {
  #header = '';
  /** Bytes of the current packet that are still to come. */
  #missing = 0;
  #beginning = '';
  #framed = true;
  #sideband = false;
  #endsWithError = false;
  #band = 0;
  #progress = '';
  #errorAt: number | undefined;

  /** The end of side-band 2: progress and error messages of git and its children, each piece after a byte 2. */
  get progress(): string {
    return this.#progress;
  }

  /**
   * Bytes at the end of what was read that belong to a packet of which it is not known yet whether it reports an error: its length,
   * or a part of that.
   */
  get undecided(): number {
    if (this.#header !== '') return this.#header.length;
    return this.#missing > 0 && this.#beginning === '' ? HEADER : 0;
  }

  /** True if the last packet reports an error. */
  get endsWithError(): boolean {
    return this.#endsWithError;
  }

  /**
   * Reads the next bytes of the response.
   * @returns the offset in `chunk` of the first packet on side-band 3, by which git reports an error; negative if it began in the
   *   {@link undecided} bytes before; undefined if there is none
   */
  push(chunk: Uint8Array): number | undefined {
    let at = 0;
    this.#errorAt = undefined;
    while (at < chunk.length && this.#framed) {
      if (this.#missing === 0 && this.#header === '') at = this.#wholePackets(chunk, at);
      if (at >= chunk.length) break;
      if (this.#missing > 0) at += this.#payload(chunk, at);
      else this.#length(chunk[at++] ?? 0);
    }
    return this.#errorAt;
  }

  /** The packet that ends the response with an error; undefined if none can be sent here, or one has been sent. */
  errorPacket(reason: string): Buffer | undefined {
    if (!this.#framed || this.#endsWithError || this.#missing > 0 || this.#header !== '') return undefined;
    if (!this.#sideband) return encodeErrorPacket(reason);
    return Buffer.concat(encodeSideband(3, `${cleanReason(reason)}\n`, smallSideband));
  }

  /** Reads all packets that are complete in `chunk`: nearly all are. @returns where the next packet begins */
  #wholePackets(chunk: Uint8Array, from: number): number {
    let at = from;
    while (at + HEADER <= chunk.length) {
      const length = lengthAt(chunk, at);
      const end = at + Math.max(length, HEADER);
      if (length === -1 || end > chunk.length) break;
      const band = length > HEADER ? (chunk[at + HEADER] ?? 0) : 0;
      if (band >= 1 && band <= 3) this.#sideband = true;
      if (band === 2) this.#keepProgress(chunk, at + HEADER, end);
      if (band === 3) this.#errorAt ??= at;
      this.#endsWithError = band === 3 || (length >= 2 * HEADER && isErr(chunk, at + HEADER));
      at = end;
    }
    return at;
  }

  #length(byte: number): void {
    this.#header += String.fromCharCode(byte);
    if (this.#header.length < HEADER) return;
    const length = /^[0-9a-fA-F]{4}$/.test(this.#header) ? Number.parseInt(this.#header, 16) : Number.NaN;
    this.#header = '';
    // Without a side-band, the pack follows without packets around it.
    this.#framed = !Number.isNaN(length);
    this.#missing = Math.max(0, length - HEADER);
    this.#beginning = '';
    this.#endsWithError = false;
  }

  #payload(chunk: Uint8Array, at: number): number {
    const length = Math.min(this.#missing, chunk.length - at);
    this.#missing -= length;
    if (this.#beginning === '') {
      this.#band = chunk[at] ?? 0;
      if (this.#band === 3) this.#errorAt ??= at - HEADER;
    }
    if (this.#band === 2) this.#keepProgress(chunk, at, at + length);
    if (this.#beginning.length < HEADER) {
      const some = chunk.subarray(at, at + Math.min(length, HEADER - this.#beginning.length));
      this.#beginning += String.fromCharCode(...some);
      const band = this.#beginning.charCodeAt(0);
      if (band >= 1 && band <= 3) this.#sideband = true;
      this.#endsWithError = this.#beginning === 'ERR ' || band === 3;
    }
    return length;
  }

  #keepProgress(chunk: Uint8Array, from: number, to: number): void {
    const text = Buffer.from(chunk.subarray(Math.max(from, to - PROGRESS_KEPT), to)).toString('latin1');
    this.#progress = `${this.#progress}${text}`.slice(-PROGRESS_KEPT);
  }
}

/** The number in four hex digits, or -1 if they are not hex digits. */
function lengthAt(chunk: Uint8Array, at: number): number {
  let length = 0;
  for (let digit = at; digit < at + HEADER; digit++) {
    const byte = chunk[digit] ?? 0;
    if (byte >= 0x30 && byte <= 0x39) length = length * 16 + byte - 0x30;
    else if ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66) length = length * 16 + (byte | 0x20) - 0x57;
    else return -1;
  }
  return length;
}

/** Whether a payload begins with `ERR `. */
function isErr(chunk: Uint8Array, at: number): boolean {
  return chunk[at] === 0x45 && chunk[at + 1] === 0x52 && chunk[at + 2] === 0x52 && chunk[at + 3] === 0x20;
}
