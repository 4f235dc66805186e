import { CairnError } from '../lib/errors.ts';

/** How many bytes a pack's header has. */
export const packHeaderLength = 12;

export interface PackHeader {
  readonly version: 2;
  /** How many objects the pack says it holds. */
  readonly objects: number;
}

/** The header of a pack of version 2 that holds `objects` objects. */
export function encodePackHeader(objects: number): Buffer {
  const header = Buffer.from('PACK\0\0\0\u0002\0\0\0\0', 'latin1');
  header.writeUInt32BE(objects, 8);
  return header;
}

/**
 * Reads the header of a pack (gitformat-pack): `PACK`, version and number of objects, 32 bits each in network
 * byte order. Undefined while `bytes` has fewer than {@link packHeaderLength}. Throws `invalid` as soon as what
 * is there cannot be the beginning of a pack of version 2. Version 3 has the same form, but nothing writes it, and git would
 * store it as it is.
 */
export function parsePackHeader(bytes: Uint8Array): PackHeader | undefined {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, packHeaderLength));
  const signature = header.toString('latin1', 0, 4);
  if (!'PACK'.startsWith(signature)) {
    throw new CairnError('invalid', `not a pack: it starts with ${JSON.stringify(signature)}, not "PACK"`);
  }
  if (header.length < packHeaderLength) return undefined;
  const version = header.readUInt32BE(4);
  if (version !== 2) {
    throw new CairnError('invalid', `pack version ${version} is not supported, only version 2 is`);
  }
  return { version, objects: header.readUInt32BE(8) };
}

/**
 * True when the entry of a pack that begins with this byte holds a commit as a whole (gitformat-pack: bits 4 to 6 are the
 * type, 1 a commit). One that is kept as a difference from another says nothing of what it is.
 */
export function isWholeCommit(firstByte: number): boolean {
  return ((firstByte >> 4) & 7) === 1;
}
