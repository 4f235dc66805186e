import { CairnError } from '../../lib/errors.ts';
import type { ObjectFormat } from '../object-id.ts';
import { type Capabilities, parseCapabilities } from './capabilities.ts';
import { type HistoryLimits, HistoryLimitsReader } from './fetch-arguments.ts';
import { type Packet, PacketReader, textOf } from './pkt-line.ts';
import { objectIdIn, unexpectedLine } from './request-line.ts';

/** A request to upload-pack of protocol v0 or v1: the body of a POST. */
export interface UploadRequest extends HistoryLimits {
  readonly wants: readonly string[];
  /** Sent with the first want. */
  readonly capabilities: Capabilities;
  /** The haves of all rounds in this body. */
  readonly haves: readonly string[];
  /** Negotiation is over: the server sends the pack now. */
  readonly done: boolean;
}

/**
 * Incremental parser of a request to upload-pack of protocol v0 or v1 (gitprotocol-pack, "Packfile Negotiation"): wants
 * and limits up to a flush, then rounds of haves, each ended by a flush, and optionally `done`. Over HTTP every POST
 * repeats the wants, so each body has its own parser.
 */
export class UploadRequestParser {
  readonly #packets: PacketReader;
  readonly #format: ObjectFormat;
  readonly #limits = new HistoryLimitsReader();
  readonly #wants: string[] = [];
  readonly #haves: string[] = [];
  #capabilities = parseCapabilities('');
  #wantsComplete = false;
  #done = false;

  /** `bytes` limits the length of the whole request. Without it, the caller bounds what it pushes. */
  constructor(options: { format: ObjectFormat; limits?: { bytes: number } }) {
    this.#format = options.format;
    this.#packets = new PacketReader(options.limits && { maxBytes: options.limits.bytes });
  }

  /**
   * Reads more bytes. Returns true once the wants are complete. Haves that follow are read, too; bytes after `done`
   * are dropped. Throws `invalid` or `too-large`.
   */
  push(chunk: Buffer): boolean {
    if (this.#done) return true;
    this.#packets.push(chunk);
    while (!this.#done) {
      const packet = this.#packets.next();
      if (packet === undefined) break;
      if (this.#wantsComplete) this.#havesPacket(packet);
      else this.#wantsPacket(packet);
    }
    return this.#wantsComplete;
  }

  /** Call it at the end of the stream. Throws `invalid` if it ended within the wants or within a packet. */
  finish(): void {
    const cut = !this.#done && this.#packets.buffered > 0;
    if (!this.#wantsComplete || cut) throw new CairnError('invalid', 'the request ended early');
  }

  /** The request as read so far. Throws `invalid` until the wants are complete. */
  get result(): UploadRequest {
    if (!this.#wantsComplete) throw new CairnError('invalid', 'the request ended early');
    return {
      ...this.#limits.result(),
      wants: this.#wants,
      capabilities: this.#capabilities,
      haves: this.#haves,
      done: this.#done,
    };
  }

  #wantsPacket(packet: Packet): void {
    if (packet.kind === 'flush') {
      this.#limits.result();
      this.#wantsComplete = true;
      return;
    }
    const line = lineIn(packet);
    if (this.#limits.take(line, this.#format)) return;
    if (!line.startsWith('want ')) throw unexpectedLine('a fetch request', line);
    const [, id = '', capabilities] = /^want (\S*)(?: (.*))?$/s.exec(line) ?? [];
    if (this.#wants.length === 0) this.#capabilities = parseCapabilities(capabilities ?? '');
    this.#wants.push(objectIdIn(line, id, this.#format));
  }

  #havesPacket(packet: Packet): void {
    if (packet.kind === 'flush') return;
    const line = lineIn(packet);
    if (line === 'done') this.#done = true;
    else if (!line.startsWith('have ')) throw unexpectedLine('a fetch request', line);
    else this.#haves.push(objectIdIn(line, line.slice('have '.length), this.#format));
  }
}

function lineIn(packet: Packet): string {
  if (packet.kind === 'data') return textOf(packet.payload);
  throw new CairnError('invalid', `unexpected ${packet.kind} packet in a request`);
}
