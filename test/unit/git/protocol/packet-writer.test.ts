import { expect, test } from 'vitest';
import { PacketWriter } from '../../../../src/git/protocol/packet-writer.ts';
import { packets } from '../chunks.ts';

test('lines of every length become the same packets as one by one', () => {
  const lines = ['', 'a', 'größe\n', '\u{1f600}'.repeat(300), 'x'.repeat(65516), 'ä'.repeat(32_758), 'end'];
  for (let length = 0; length < 300; length += 1) lines.push('y'.repeat(length), 'ü'.repeat(3 * length));
  const writer = new PacketWriter();
  for (const line of lines) writer.line(line);
  expect(writer.finish().equals(packets(...lines, null))).toBe(true);
});

test('an empty list becomes a flush packet', () => {
  expect(new PacketWriter().finish().toString()).toBe('0000');
});

test.each(['x'.repeat(65517), 'ä'.repeat(32_759)])(
  'a line that is too long for a packet is refused',
  (line) => {
    expect(() => new PacketWriter().line(line)).toThrow(expect.objectContaining({ kind: 'invalid' }));
  },
);
