import { encodePacket, flushPacket, packetHeader } from './pkt-line.ts';
import { type Band, largeSideband, smallSideband } from './sideband.ts';

/** The form of a response of upload-pack that contains a pack. */
export interface UploadResponseForm {
  readonly version: 0 | 1 | 2;
  /** Data bytes in one side-band packet; undefined if the pack is sent without packets around it. */
  readonly sideband: number | undefined;
}

/**
 * The form that a client asks for. Protocol v2 always uses the large side-band; in v0 and v1 the client asks for one of two,
 * or for none.
 * @param has whether the client sent a capability
 */
export function uploadResponseForm(
  version: 0 | 1 | 2,
  has: (capability: string) => boolean,
): UploadResponseForm {
  if (version === 2 || has('side-band-64k')) return { version, sideband: largeSideband };
  return { version, sideband: has('side-band') ? smallSideband : undefined };
}

/** Encodes what precedes the pack for a client that has no commits (gitprotocol-pack, gitprotocol-v2). */
export function beginUploadResponse({ version }: UploadResponseForm): Buffer {
  return encodePacket(version === 2 ? 'packfile\n' : 'NAK\n');
}

/** Encodes a part of the pack, or a message. Without a side-band, messages are dropped. */
export function encodeUploadResponse(form: UploadResponseForm, band: Band, data: string | Buffer): Buffer {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  if (form.sideband !== undefined) return framed(band, bytes, form.sideband);
  return band === 1 ? bytes : Buffer.alloc(0);
}

/** Encodes what follows the pack. */
export function endUploadResponse({ sideband }: UploadResponseForm): Buffer {
  return sideband === undefined ? Buffer.alloc(0) : flushPacket;
}

/** Puts all packets into one buffer: a clone of a gigabyte has 16,000 of them, and one write for each would be slow. */
function framed(band: Band, data: Buffer, capacity: number): Buffer {
  const packets = Math.ceil(data.length / capacity);
  const bytes = Buffer.allocUnsafe(data.length + 5 * packets);
  let at = 0;
  for (let start = 0; start < data.length; start += capacity) {
    const end = Math.min(data.length, start + capacity);
    at += bytes.write(packetHeader(1 + end - start), at, 'latin1');
    bytes[at++] = band;
    at += data.copy(bytes, at, start, end);
  }
  return bytes;
}
