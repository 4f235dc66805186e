import { encodePacket, maxPayloadLength } from './pkt-line.ts';

/** Band 1 carries data, band 2 progress messages, band 3 the error that ends the stream. */
export type Band = 1 | 2 | 3;

/** Data bytes in one packet with `side-band-64k`: one byte of each payload names the band. */
export const largeSideband = maxPayloadLength - 1;
/** Data bytes in one packet with `side-band`: packets have at most 1000 bytes. */
export const smallSideband = 1000 - 5;

/** `0005 01`: a packet of band 1 without data. Like git's receive-pack, Cairn sends it to keep idle connections alive. */
export const keepAlive: Buffer = encodePacket(Buffer.of(1));

/** Encodes `data` (text as UTF-8) as packets of `band` with at most `capacity` data bytes each; no packets for no data. */
export function encodeSideband(
  band: Band,
  data: string | Uint8Array,
  capacity: number = largeSideband,
): Buffer[] {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  const packets: Buffer[] = [];
  for (let start = 0; start < bytes.byteLength; start += capacity) {
    const part = bytes.subarray(start, start + capacity);
    const payload = Buffer.allocUnsafe(1 + part.byteLength);
    payload[0] = band;
    payload.set(part, 1);
    packets.push(encodePacket(payload));
  }
  return packets;
}
