import { encodeErrorPacket } from './error-packet.ts';
import { cleanReason } from './reason.ts';
import { encodeSideband, smallSideband } from './sideband.ts';

/** Characters of a packet's length, and of a payload's beginning that tell what it is. */
const HEADER = 4;

/** Characters kept of what was last said on side-band 2. */
const SAID = 1_024;

/**
 * Follows an answer to a git client packet by packet, however its bytes are divided, so that a reason can be said where the
 * client looks for one: an ERR packet between packets, side-band 3 once a side-band has begun, and nothing in the middle of
 * a packet or of a pack that is sent without a side-band.
 */
export class AnswerFrames {
  #header = '';
  /** Bytes of the packet under way that are still to come. */
  #missing = 0;
  #beginning = '';
  #framed = true;
  #sideband = false;
  #told = false;
  #band = 0;
  #said = '';
  #givesUpAt: number | undefined;

  /** The end of what git and its children said on side-band 2, each piece behind a byte 2: progress, and what they died of. */
  get said(): string {
    return this.#said;
  }

  /** True when the last packet says why the answer ends. */
  get told(): boolean {
    return this.#told;
  }

  /**
   * Takes in the next bytes of the answer.
   * @returns where in them the packet begins by which git gives up, on side-band 3; undefined when it does not begin in them
   */
  push(chunk: Uint8Array): number | undefined {
    let at = 0;
    this.#givesUpAt = undefined;
    while (at < chunk.length && this.#framed) {
      if (this.#missing === 0 && this.#header === '') at = this.#wholePackets(chunk, at);
      if (at >= chunk.length) break;
      if (this.#missing > 0) at += this.#payload(chunk, at);
      else this.#length(chunk[at++] ?? 0);
    }
    return this.#givesUpAt;
  }

  /** What ends the answer with a reason; undefined where none can be said, or where one has been. */
  errorPacket(reason: string): Buffer | undefined {
    if (!this.#framed || this.#told || this.#missing > 0 || this.#header !== '') return undefined;
    if (!this.#sideband) return encodeErrorPacket(reason);
    return Buffer.concat(encodeSideband(3, `${cleanReason(reason)}\n`, smallSideband));
  }

  /** Passes packets that are there whole, nearly all there are. @returns where the next one begins */
  #wholePackets(chunk: Uint8Array, from: number): number {
    let at = from;
    while (at + HEADER <= chunk.length) {
      const length = lengthAt(chunk, at);
      const end = at + Math.max(length, HEADER);
      if (length === -1 || end > chunk.length) break;
      const band = length > HEADER ? (chunk[at + HEADER] ?? 0) : 0;
      if (band >= 1 && band <= 3) this.#sideband = true;
      if (band === 2) this.#hear(chunk, at + HEADER, end);
      if (band === 3) this.#givesUpAt ??= at;
      this.#told = band === 3 || (length >= 2 * HEADER && isErr(chunk, at + HEADER));
      at = end;
    }
    return at;
  }

  #length(byte: number): void {
    this.#header += String.fromCharCode(byte);
    if (this.#header.length < HEADER) return;
    const length = /^[0-9a-fA-F]{4}$/.test(this.#header) ? Number.parseInt(this.#header, 16) : Number.NaN;
    this.#header = '';
    // Without a side-band a pack follows as it is.
    this.#framed = !Number.isNaN(length);
    this.#missing = Math.max(0, length - HEADER);
    this.#beginning = '';
    this.#told = false;
  }

  #payload(chunk: Uint8Array, at: number): number {
    const length = Math.min(this.#missing, chunk.length - at);
    this.#missing -= length;
    if (this.#beginning === '') {
      this.#band = chunk[at] ?? 0;
      if (this.#band === 3 && at >= HEADER) this.#givesUpAt ??= at - HEADER;
    }
    if (this.#band === 2) this.#hear(chunk, at, at + length);
    if (this.#beginning.length < HEADER) {
      const some = chunk.subarray(at, at + Math.min(length, HEADER - this.#beginning.length));
      this.#beginning += String.fromCharCode(...some);
      const band = this.#beginning.charCodeAt(0);
      if (band >= 1 && band <= 3) this.#sideband = true;
      this.#told = this.#beginning === 'ERR ' || band === 3;
    }
    return length;
  }

  #hear(chunk: Uint8Array, from: number, to: number): void {
    const text = Buffer.from(chunk.subarray(Math.max(from, to - SAID), to)).toString('latin1');
    this.#said = `${this.#said}${text}`.slice(-SAID);
  }
}

/** The length that four hex digits say, or -1 when they are none. */
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
