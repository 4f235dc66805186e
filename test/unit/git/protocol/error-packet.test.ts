import { expect, test } from 'vitest';
import { encodeErrorPacket } from '../../../../src/git/protocol/error-packet.ts';
import { cleanReason } from '../../../../src/git/reason.ts';

test('an error is one packet with one line', () => {
  expect(encodeErrorPacket('no such repository').toString()).toBe('001bERR no such repository\n');
  expect(encodeErrorPacket('a\nb\n').toString()).toBe('000cERR a b\n');
  expect(encodeErrorPacket('x'.repeat(100_000))).toHaveLength(4 + 4 + 1000 + 1);
});

test('a reason is never empty', () => {
  expect(cleanReason('\n\t ')).toBe('no reason given');
});
