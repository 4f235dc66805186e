import { expect, test } from 'vitest';
import { encodePacket, PacketReader } from '../../../../src/git/protocol/pkt-line.ts';
import { encodeSideband, keepAlive, smallSideband } from '../../../../src/git/protocol/sideband.ts';

function lengths(packets: Buffer[]): number[] {
  return packets.map((packet) => packet.length);
}

test('a short text is one packet of its band', () => {
  expect(encodeSideband(2, 'hällo\n')).toEqual([encodePacket('\x02hällo\n')]);
  expect(encodeSideband(3, Buffer.from('no'))).toEqual([Buffer.from('0007\x03no')]);
});

test('empty data is no packet: an empty one of band 1 would look like the end', () => {
  expect(encodeSideband(1, '')).toEqual([]);
});

test('long data is divided into packets of 65520 bytes, or of 1000 for the small side-band', () => {
  const data = Buffer.from(Array.from({ length: 131_031 }, (_, index) => index % 251));
  const large = encodeSideband(1, data);
  expect(lengths(large)).toEqual([65520, 65520, 6]);
  const small = encodeSideband(1, data.subarray(0, 1000), smallSideband);
  expect(lengths(small)).toEqual([1000, 10]);

  const reader = new PacketReader();
  for (const packet of large) reader.push(packet);
  const received: Buffer[] = [];
  for (let packet = reader.next(); packet !== undefined; packet = reader.next()) {
    if (packet.kind !== 'data') throw new Error('expected data');
    expect(packet.payload[0]).toBe(1);
    received.push(packet.payload.subarray(1));
  }
  expect(Buffer.concat(received).equals(data)).toBe(true);
});

test('the keep-alive is an empty packet of band 2', () => {
  expect(keepAlive.toString()).toBe('0005\x01');
});
