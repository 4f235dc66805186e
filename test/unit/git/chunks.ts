import { encodePacket, flushPacket } from '../../../src/git/protocol/pkt-line.ts';

/** A stream of packets: strings and buffers become packets, null becomes a flush. */
export function packets(...contents: (string | Buffer | null)[]): Buffer {
  return Buffer.concat(contents.map((content) => (content === null ? flushPacket : encodePacket(content))));
}

/** Ways to cut `bytes`: in one piece, byte by byte, and once at every place. */
export function* divisions(bytes: Buffer): Generator<Buffer[]> {
  yield [bytes];
  yield Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
  for (let at = 1; at < bytes.length; at += 1) yield [bytes.subarray(0, at), bytes.subarray(at)];
}
