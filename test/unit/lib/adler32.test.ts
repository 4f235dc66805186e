import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { adler32 } from '../../../src/lib/adler32.ts';

describe('the checksum of deflated data', () => {
  it.each([0, 1, 5_551, 5_552, 5_553, 100_000])('equals that of zlib for %i bytes', (length) => {
    const bytes = Buffer.alloc(length + 10, 0xff);
    const whole = deflateSync(bytes.subarray(5, 5 + length));
    expect(adler32(bytes, 5, length)).toBe(whole.readUInt32BE(whole.length - 4));
  });
});
