import { packetHeader } from '../protocol/pkt-line.ts';
import type { UploadResponseForm } from '../protocol/upload-response.ts';

/** Bytes before the data of a side-band packet: four for its length, and one for the number of the band. */
const HEADER = 5;
/** Bytes of a piece and its headers, at most. */
const PIECE = 256 * 1024;
/** The band that carries the pack. */
const PACK = 1;

/**
 * Memory for one piece of a pack in the form of a response. A piece is read to the places where the packets have their data, so that it
 * is not copied. The same memory serves for one piece after another.
 */
export class PackFrame {
  /** Where the data of a piece goes, in order. */
  readonly places: readonly Buffer[];
  private readonly memory: Buffer;
  private readonly header: number;

  /** @param size bytes of the whole pack: a small one needs little memory */
  constructor({ sideband }: UploadResponseForm, size: number) {
    this.header = sideband === undefined ? 0 : HEADER;
    const data = sideband ?? PIECE;
    const packet = this.header + data;
    const packets = Math.min(Math.floor(PIECE / packet), Math.ceil(size / data));
    this.memory = Buffer.allocUnsafe(Math.min(packets * packet, size + packets * this.header));
    this.places = Array.from({ length: packets }, (_, at) =>
      this.memory.subarray(at * packet + this.header, (at + 1) * packet),
    );
  }

  /** Copies a piece that fits into the first place. @returns its length */
  put(piece: Buffer): number {
    const [place] = this.places;
    if (place === undefined || place.length < piece.length)
      throw new TypeError(`${piece.length} bytes do not fit into a packet`);
    return piece.copy(place);
  }

  /** The data of a piece that lies in the places. @param length of the piece */
  *data(length: number): Generator<Buffer, void, undefined> {
    let left = length;
    for (const place of this.places) {
      if (left <= 0) return;
      yield place.subarray(0, left);
      left -= place.length;
    }
  }

  /**
   * Encodes a piece that lies in the places, all of them full but the last that it needs.
   * @param length of the piece
   * @returns its packets, in the memory of this frame
   */
  encode(length: number): Buffer {
    if (this.header === 0) return this.memory.subarray(0, length);
    let at = 0;
    for (const { length: bytes } of this.data(length)) {
      this.memory.write(packetHeader(1 + bytes), at, 'latin1');
      this.memory[at + HEADER - 1] = PACK;
      at += HEADER + bytes;
    }
    return this.memory.subarray(0, at);
  }
}
