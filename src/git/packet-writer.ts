import { flushPacket, packetHeader } from './pkt-line.ts';

const smallest = 4 << 10;
const largest = 1 << 20;
/** UTF-8 takes at most three bytes for a unit of a string. */
const bytesPerUnit = 3;

/**
 * Writes many lines as packets into few large buffers. A list of 100,000 refs is some 7 MB: a buffer for each
 * line, or one long string encoded at the end, would hold the event loop several times as long.
 */
export class PacketWriter {
  readonly #full: Buffer[] = [];
  #open = Buffer.allocUnsafe(smallest);
  #used = 0;

  /** Adds one packet carrying `text`. Throws `invalid` when it is too long for one. */
  line(text: string): void {
    const needed = 4 + bytesPerUnit * text.length;
    if (needed > this.#open.length - this.#used) this.#turn(needed);
    const length = this.#open.write(text, this.#used + 4);
    this.#open.write(packetHeader(length), this.#used, 'latin1');
    this.#used += 4 + length;
  }

  /** Everything written, and a flush behind it. To be called once. */
  finish(): Buffer {
    return Buffer.concat([...this.#full, this.#open.subarray(0, this.#used), flushPacket]);
  }

  #turn(needed: number): void {
    this.#full.push(this.#open.subarray(0, this.#used));
    this.#open = Buffer.allocUnsafe(Math.max(needed, Math.min(2 * this.#open.length, largest)));
    this.#used = 0;
  }
}
