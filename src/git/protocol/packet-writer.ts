import { flushPacket, packetHeader } from './pkt-line.ts';

const smallest = 4 << 10;
const largest = 1 << 20;
/** UTF-8 takes at most three bytes for a unit of a string. */
const bytesPerUnit = 3;

/**
 * Writes many lines as packets into few large buffers. A list of 100,000 refs is about 7 MB. A buffer for each line,
 * or one long string encoded at the end, would block the event loop several times as long.
 */
export class PacketWriter {
  readonly #full: Buffer[] = [];
  #open = Buffer.allocUnsafe(smallest);
  #used = 0;

  /** Adds one packet that carries `text`. Throws `invalid` if it is too long. */
  line(text: string): void {
    const needed = 4 + bytesPerUnit * text.length;
    if (needed > this.#open.length - this.#used) this.#nextBuffer(needed);
    const length = this.#open.write(text, this.#used + 4);
    this.#open.write(packetHeader(length), this.#used, 'latin1');
    this.#used += 4 + length;
  }

  /** Returns all packets, followed by a flush. Call it once. */
  finish(): Buffer {
    return Buffer.concat([...this.#full, this.#open.subarray(0, this.#used), flushPacket]);
  }

  #nextBuffer(needed: number): void {
    this.#full.push(this.#open.subarray(0, this.#used));
    this.#open = Buffer.allocUnsafe(Math.max(needed, Math.min(2 * this.#open.length, largest)));
    this.#used = 0;
  }
}
