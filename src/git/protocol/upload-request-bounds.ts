import { RequestRefusal } from './request-refusal.ts';

/** Bounds of one request to upload-pack. */
export interface UploadRequestLimits {
  /** Decoded bytes of the request. */
  readonly bytes: number;
  /** Lines of each word that honest requests may repeat very often: {@link COUNTED}. */
  readonly lines: number;
  /** Bound for each of three: lines of `deepen-not`, of `want-ref`, and all others (also packets without a payload). */
  readonly otherLines: number;
}

/** More than real clients send: one line for each ref or commit of a very large repository. */
export const UPLOAD_REQUEST_LIMITS: UploadRequestLimits = {
  bytes: 128 * 1024 * 1024,
  lines: 1_000_000,
  otherLines: 65_536,
};

const COUNTED: readonly string[] = ['want', 'have', 'shallow', 'ref-prefix'];
const OTHER: readonly string[] = ['deepen-not', 'want-ref'];

const HEADER = 4;
/** Bytes of a payload that are enough to know its word: the longest word and a space. */
const WORD = Math.max(...[...COUNTED, ...OTHER].map((word) => word.length)) + 1;

/**
 * Counts the lines of a request to upload-pack, of any version, while its bytes pass, and keeps none of them. It checks
 * nothing else; the parser of the request does.
 */
export class UploadRequestBounds {
  private readonly limits: UploadRequestLimits;
  private readonly counts = new Map<string, number>();
  private bytes = 0;
  /** The beginning of the current packet: its header and its word. */
  private readonly begin = Buffer.alloc(HEADER + WORD);
  /** Bytes kept in `begin`. */
  private kept = 0;
  /** Bytes of that packet still to come; undefined until its header is complete. */
  private left: number | undefined;
  private malformed = false;

  constructor(limits: UploadRequestLimits = UPLOAD_REQUEST_LIMITS) {
    this.limits = limits;
  }

  /** Counts the next bytes. @throws RequestRefusal if the request exceeds a bound */
  push(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    if (this.bytes > this.limits.bytes) {
      throw new RequestRefusal(`a request may have ${this.limits.bytes} bytes, and this one has more`);
    }
    for (let at = 0; at < chunk.length && !this.malformed; ) at = this.step(chunk, at);
  }

  /** Reads what `chunk` has of one packet. @returns where to continue */
  private step(chunk: Uint8Array, at: number): number {
    if (this.left === undefined) {
      const taken = this.keep(chunk, at, HEADER);
      if (this.kept === HEADER) this.header();
      return at + taken;
    }
    const kept = Math.min(this.left, this.keep(chunk, at, Math.min(WORD + HEADER, this.kept + this.left)));
    const taken = Math.max(kept, Math.min(this.left, chunk.length - at));
    this.left -= taken;
    if (this.left === 0) this.endPacket();
    return at + taken;
  }

  /** Copies bytes until `upTo` of the packet are kept. */
  private keep(chunk: Uint8Array, at: number, upTo: number): number {
    const bytes = Math.min(upTo - this.kept, chunk.length - at);
    for (let i = 0; i < bytes; i++) this.begin[this.kept + i] = chunk[at + i] ?? 0;
    this.kept += bytes;
    return bytes;
  }

  private header(): void {
    const digits = this.begin.toString('latin1', 0, HEADER);
    const length = /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : 3;
    // The parser of the request stops here and reports the reason.
    if (length === 3) this.malformed = true;
    this.left = Math.max(0, length - HEADER);
    if (this.left === 0) this.endPacket();
  }

  private endPacket(): void {
    const text = this.begin.toString('latin1', HEADER, this.kept);
    this.kept = 0;
    this.left = undefined;
    this.count(text.slice(0, Math.max(0, text.indexOf(' '))));
  }

  private count(word: string): void {
    const known = COUNTED.includes(word) || OTHER.includes(word);
    const limit = COUNTED.includes(word) ? this.limits.lines : this.limits.otherLines;
    const counted = (this.counts.get(known ? word : '') ?? 0) + 1;
    this.counts.set(known ? word : '', counted);
    if (counted <= limit) return;
    const what = known ? `'${word}' lines` : 'other lines';
    throw new RequestRefusal(
      `a request may have ${limit} ${what}, and this one has more: ask for less at a time`,
    );
  }
}
