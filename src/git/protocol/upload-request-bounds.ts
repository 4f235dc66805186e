import { RequestRefusal } from './request-refusal.ts';

/** Bounds of one request to upload-pack. */
export interface UploadRequestLimits {
  /** Decoded bytes of the request. */
  readonly bytes: number;
  /** Lines of each of these words. */
  readonly lines: ReadonlyMap<string, number>;
  /** All other lines together, also packets without a payload. */
  readonly otherLines: number;
}

/**
 * More than real clients send: one line for each ref or commit of a very large repository. git looks for each commit of a `shallow`
 * line in all packs anew if it is missing, and through all refs for a `deepen-not` line, which takes it 0.1 ms and more.
 */
export const UPLOAD_REQUEST_LIMITS: UploadRequestLimits = {
  bytes: 128 * 1024 * 1024,
  lines: new Map([
    ['want', 1_000_000],
    ['have', 1_000_000],
    ['ref-prefix', 1_000_000],
    ['shallow', 100_000],
    ['want-ref', 65_536],
    ['deepen-not', 1_000],
  ]),
  otherLines: 65_536,
};

const HEADER = 4;
/** Bytes of a payload that are enough to know its word: the longest word and a space. */
const WORD = Math.max(...[...UPLOAD_REQUEST_LIMITS.lines.keys()].map((word) => word.length)) + 1;

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
    const known = this.limits.lines.get(word);
    const limit = known ?? this.limits.otherLines;
    const counter = known === undefined ? '' : word;
    const counted = (this.counts.get(counter) ?? 0) + 1;
    this.counts.set(counter, counted);
    if (counted <= limit) return;
    const what = known === undefined ? 'other lines' : `'${word}' lines`;
    throw new RequestRefusal(
      `a request may have ${limit} ${what}, and this one has more: ask for less at a time`,
    );
  }
}
