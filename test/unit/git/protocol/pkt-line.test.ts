import { describe, expect, test, vi } from 'vitest';
import {
  delimiterPacket,
  encodePacket,
  flushPacket,
  maxPayloadLength,
  type Packet,
  PacketReader,
  responseEndPacket,
  textOf,
} from '../../../../src/git/protocol/pkt-line.ts';
import { isCairnError } from '../../../../src/lib/errors.ts';
import { divisions } from '../chunks.ts';

function readAll(chunks: Buffer[]): Packet[] {
  const reader = new PacketReader();
  const packets: Packet[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let packet = reader.next(); packet !== undefined; packet = reader.next()) packets.push(packet);
  }
  expect(reader.buffered).toBe(0);
  return packets;
}

function kindOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    if (isCairnError(error)) return error.kind;
    throw error;
  }
  return undefined;
}

describe('writing', () => {
  test.each([
    ['a\n', '0006a\n'],
    ['', '0004'],
    ['foobar\n', '000bfoobar\n'],
    ['ä', '0006ä'],
  ])('%j becomes %j', (payload, packet) => {
    expect(encodePacket(payload).toString()).toBe(packet);
    expect(encodePacket(Buffer.from(payload)).toString()).toBe(packet);
  });

  test('the longest packet is 65520 bytes, and a longer one is refused', () => {
    expect(maxPayloadLength).toBe(65516);
    expect(encodePacket('x'.repeat(65516)).toString('latin1', 0, 5)).toBe('fff0x');
    expect(kindOf(() => encodePacket('x'.repeat(65517)))).toBe('invalid');
    expect(kindOf(() => encodePacket('ä'.repeat(40_000)))).toBe('invalid');
  });
});

describe('reading', () => {
  const stream = Buffer.concat([
    encodePacket('hello\n'),
    flushPacket,
    encodePacket(''),
    delimiterPacket,
    encodePacket(Buffer.of(0, 255, 10, 10)),
    responseEndPacket,
    Buffer.from('000Aupper!'),
    flushPacket,
  ]);

  test('the packets are the same for any division of the bytes', () => {
    const expected = [
      { kind: 'data', payload: Buffer.from('hello\n') },
      { kind: 'flush' },
      { kind: 'data', payload: Buffer.alloc(0) },
      { kind: 'delimiter' },
      { kind: 'data', payload: Buffer.of(0, 255, 10, 10) },
      { kind: 'response-end' },
      { kind: 'data', payload: Buffer.from('upper!') },
      { kind: 'flush' },
    ];
    for (const chunks of divisions(stream)) expect(readAll(chunks)).toEqual(expected);
  });

  test('a payload within one chunk is not copied', () => {
    const chunk = encodePacket('payload');
    const [packet] = readAll([chunk]);
    if (packet?.kind !== 'data') throw new Error('expected data');
    chunk[4] = 'P'.charCodeAt(0);
    expect(packet.payload.toString()).toBe('Payload');
  });

  test('the longest packet arrives whole, in pieces of 1000 bytes too', () => {
    const long = encodePacket(Buffer.alloc(maxPayloadLength, 7));
    const pieces = Array.from({ length: 66 }, (_, index) => long.subarray(index * 1000, (index + 1) * 1000));
    expect(readAll(pieces)).toEqual([{ kind: 'data', payload: Buffer.alloc(maxPayloadLength, 7) }]);
  });

  test.each([
    '0003',
    'fff1',
    'ffff',
    'zzzz',
    '-001',
    ' 004',
    '0x04',
    '00 4',
    '\0\0\0\0',
    'PACK',
    '+004',
    '1.00',
  ])('the length %j is refused, and the error shows its bytes', (digits) => {
    const reader = new PacketReader();
    reader.push(Buffer.from(`${digits}abcd`, 'latin1'));
    const hex = Buffer.from(digits, 'latin1').toString('hex');
    expect(() => reader.next()).toThrow(hex);
    expect(kindOf(() => reader.next())).toBe('invalid');
  });

  test('takeRest returns everything after the last packet and leaves nothing', () => {
    for (const chunks of divisions(Buffer.concat([encodePacket('a'), Buffer.from('PACKdata')]))) {
      const reader = new PacketReader();
      for (const chunk of chunks) reader.push(chunk);
      expect(reader.next()?.kind).toBe('data');
      expect(reader.buffered).toBe(8);
      expect(reader.takeRest().toString()).toBe('PACKdata');
      expect(reader.buffered).toBe(0);
      expect(reader.takeRest()).toHaveLength(0);
      expect(reader.next()).toBeUndefined();
    }
  });

  test('the limit of bytes is enforced before the packet has arrived', () => {
    const reader = new PacketReader({ maxBytes: 14 });
    reader.push(Buffer.concat([encodePacket('12345'), flushPacket, Buffer.from('0005')]));
    expect(reader.next()?.kind).toBe('data');
    expect(reader.next()?.kind).toBe('flush');
    expect(kindOf(() => reader.next())).toBe('too-large');
  });

  test('bytes that arrive one by one are not copied repeatedly', () => {
    const long = encodePacket(Buffer.alloc(maxPayloadLength, 1));
    const reader = new PacketReader();
    const joins = vi.spyOn(Buffer, 'concat');
    for (let index = 0; index < long.length - 1; index += 1) {
      reader.push(long.subarray(index, index + 1));
      if (reader.next() !== undefined) throw new Error('too early');
    }
    reader.push(long.subarray(-1));
    expect(reader.next()?.kind).toBe('data');
    const copied = joins.mock.results.reduce((sum, { value }) => sum + (value as Buffer).length, 0);
    joins.mockRestore();
    // Joining at every byte would copy 2 GB here.
    expect(copied).toBeGreaterThan(0);
    expect(copied).toBeLessThan(2 * long.length);
  });
});

test.each([
  ['a\n', 'a'],
  ['a\n\n', 'a\n'],
  ['a', 'a'],
  ['', ''],
  ['\n', ''],
  ['a\r\n', 'a\r'],
])('the text of %j is %j', (payload, text) => {
  expect(textOf(Buffer.from(payload))).toBe(text);
});
