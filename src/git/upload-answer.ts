import { encodePacket, flushPacket, packetHeader } from './pkt-line.ts';
import { type Band, largeSideband, smallSideband } from './sideband.ts';

/** In what form a client of upload-pack understands the answer that has a pack in it. */
export interface UploadAnswerForm {
  readonly version: 0 | 1 | 2;
  /** Data bytes in one packet; undefined for a client that takes the pack as it is, without packets around it. */
  readonly sideband: number | undefined;
}

/**
 * The form a client asks for. Protocol v2 always has the large side-band; before, one of two is asked for, or none.
 * @param has whether the client sent a capability
 */
export function uploadAnswerForm(version: 0 | 1 | 2, has: (capability: string) => boolean): UploadAnswerForm {
  if (version === 2 || has('side-band-64k')) return { version, sideband: largeSideband };
  return { version, sideband: has('side-band') ? smallSideband : undefined };
}

/** What comes before the pack for a client that has said that it has nothing (gitprotocol-pack, gitprotocol-v2). */
export function beginUploadAnswer({ version }: UploadAnswerForm): Buffer {
  return encodePacket(version === 2 ? 'packfile\n' : 'NAK\n');
}

/** A part of the pack, or a text beside it; texts get lost where there is no side-band to carry them. */
export function encodeUploadAnswer(form: UploadAnswerForm, band: Band, data: string | Buffer): Buffer {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  if (form.sideband !== undefined) return framed(band, bytes, form.sideband);
  return band === 1 ? bytes : Buffer.alloc(0);
}

/** What comes after the pack. */
export function endUploadAnswer({ sideband }: UploadAnswerForm): Buffer {
  return sideband === undefined ? Buffer.alloc(0) : flushPacket;
}

/** All packets in one buffer: a clone of a gigabyte has 16,000 of them, and each would be a write of its own. */
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
