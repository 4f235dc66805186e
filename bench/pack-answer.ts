import { CairnError } from '../src/lib/errors.ts';

/**
 * Reads the answer to a protocol v2 `fetch` and throws the pack away while counting it: what a
 * client costs that does nothing, so that only the server is measured. Chunks may be cut anywhere.
 *
 * The format: pkt-lines (4 hex digits of length, themselves included); sections end with 0001, the
 * answer with 0000; after the line `packfile` each packet is a side-band byte and its payload.
 */
export class PackAnswer {
  /** Bytes of the pack so far. */
  packBytes = 0;

  #length = Buffer.alloc(4);
  #lengthSeen = 0;
  #left = 0;
  #line: Buffer[] = [];
  #inPack = false;
  /** The side-band of the packet being read; 0 until its first byte. */
  #band = 0;
  #head = Buffer.alloc(0);
  #ended = false;

  /** Objects the pack says it holds, from its header. */
  get objects(): number {
    return this.#head.length >= 12 ? this.#head.readUInt32BE(8) : 0;
  }

  /** Takes the next bytes. Throws `unavailable` with the server's words when it reports a failure. */
  feed(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0) {
        at = this.#readLength(chunk, at);
        continue;
      }
      const end = Math.min(chunk.length, at + this.#left);
      this.#left -= end - at;
      this.#payload(chunk.subarray(at, end));
      at = end;
      if (this.#left === 0) this.#packetEnds();
    }
  }

  /** Says that the connection has ended. Throws `corrupt` when the answer had not. */
  end(): void {
    if (!this.#ended || this.#head.length < 12 || this.#head.toString('latin1', 0, 4) !== 'PACK') {
      throw new CairnError('corrupt', `the answer broke off after ${this.packBytes} bytes of pack`);
    }
  }

  #readLength(chunk: Buffer, at: number): number {
    const taken = Math.min(4 - this.#lengthSeen, chunk.length - at);
    chunk.copy(this.#length, this.#lengthSeen, at, at + taken);
    this.#lengthSeen += taken;
    if (this.#lengthSeen === 4) {
      this.#lengthSeen = 0;
      const length = Number.parseInt(this.#length.toString('latin1'), 16);
      if (length === 0) this.#ended = true;
      else if (length >= 4) this.#left = length - 4;
      else if (length !== 1) throw new CairnError('corrupt', `not a packet length: ${this.#length}`);
    }
    return at + taken;
  }

  #payload(part: Buffer): void {
    if (!this.#inPack) {
      this.#line.push(part);
      return;
    }
    let rest = part;
    if (this.#band === 0) {
      this.#band = part[0] ?? 0;
      rest = part.subarray(1);
    }
    if (this.#band === 1) {
      if (this.#head.length < 12) this.#head = Buffer.concat([this.#head, rest.subarray(0, 12)]);
      this.packBytes += rest.length;
    } else if (this.#band === 3) this.#line.push(rest);
  }

  #packetEnds(): void {
    const text = Buffer.concat(this.#line).toString('utf8');
    this.#line = [];
    if (this.#band === 3) throw new CairnError('unavailable', `the server reports: ${text.trim()}`);
    this.#band = 0;
    if (this.#inPack) return;
    if (text.startsWith('ERR ')) throw new CairnError('unavailable', `the server reports: ${text.trim()}`);
    if (text === 'packfile\n' || text === 'packfile') this.#inPack = true;
  }
}
