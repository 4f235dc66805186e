/** Requests of protocol v2 to upload-pack, made by hand. */
import { delimiterPacket, encodePacket, flushPacket } from '../../src/git/index.ts';

/** Packets of one line each. */
export function lines(...texts: readonly string[]): Buffer {
  return Buffer.concat(texts.map((text) => encodePacket(`${text}\n`)));
}

/** A fetch of one object by a client that has nothing. */
export function fetchRequest(want: string): Buffer {
  return Buffer.concat([lines('command=fetch'), delimiterPacket, lines(`want ${want}`, 'done'), flushPacket]);
}

export function lsRefsRequest(): Buffer {
  return Buffer.concat([lines('command=ls-refs'), flushPacket]);
}
