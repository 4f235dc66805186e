import { CairnError } from '../../lib/errors.ts';

/** Length of a pack's header in bytes. */
export const packHeaderLength = 12;

export interface PackHeader {
  readonly version: 2;
  /** Number of objects that the header states. */
  readonly objects: number;
}

/** Encodes the header of a pack of version 2 with `objects` objects. */
export function encodePackHeader(objects: number): Buffer {
  const header = Buffer.from('PACK\0\0\0\u0002\0\0\0\0', 'latin1');
  header.writeUInt32BE(objects, 8);
  return header;
}

/**
 * Parses the header of a pack (gitformat-pack): `PACK`, version and number of objects, 32 bits each in network byte order.
 * Returns undefined while `bytes` has fewer than {@link packHeaderLength} bytes. Throws `invalid` as soon as the bytes
 * cannot begin a pack of version 2. Version 3 has the same form, but no program writes it, and git would store it unchanged.
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
 * True if a pack entry with this first byte is a commit that is not stored as a delta (gitformat-pack: bits 4 to 6 are the
 * type, 1 is a commit). The first byte of a delta does not tell the type of its object.
 */
export function isWholeCommit(firstByte: number): boolean {
  return ((firstByte >> 4) & 7) === 1;
}
