import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { contentTypeOf, decodeMessage, encodeMessage } from '../../../src/fossil/framing.ts';
import { FossilSyntaxError } from '../../../src/fossil/syntax-error.ts';

const COMPRESSED = 'application/x-fossil';
const MESSAGE = Buffer.from('pragma client-version 22100 20230226 192424\nclone 3 1\n');
const LIMIT = 1_000_000;

describe('a content type', () => {
  it.each([
    ['application/x-fossil', 'application/x-fossil'],
    ['application/x-fossil; charset=UTF-8', 'application/x-fossil'],
    ['Application/X-Fossil-Debug ;x', 'application/x-fossil-debug'],
    ['application/x-fossil-uncompressed', 'application/x-fossil-uncompressed'],
    ['application/x-fossils', undefined],
    ['text/html', undefined],
    [undefined, undefined],
  ])('%j is %j', (header, type) => {
    expect(contentTypeOf(header)).toBe(type);
  });
});

describe('a message', () => {
  it.each([
    'application/x-fossil',
    'application/x-fossil-debug',
    'application/x-fossil-uncompressed',
  ] as const)('is read back from a body of %s, small and large', async (type) => {
    for (const message of [Buffer.alloc(0), MESSAGE, Buffer.alloc(900_000, 'igot \n')]) {
      const body = await encodeMessage(type, message);
      expect(Buffer.from(await decodeMessage(type, body, LIMIT)).equals(message)).toBe(true);
    }
  });

  it('is empty if the body is empty', async () => {
    expect(await decodeMessage(COMPRESSED, Buffer.alloc(0), LIMIT)).toHaveLength(0);
  });

  it('may have as many bytes as the limit, and not one more', async () => {
    for (const type of ['application/x-fossil', 'application/x-fossil-debug'] as const) {
      const body = await encodeMessage(type, MESSAGE);
      expect(await decodeMessage(type, body, MESSAGE.length)).toHaveLength(MESSAGE.length);
      await expect(decodeMessage(type, body, MESSAGE.length - 1)).rejects.toMatchObject({
        kind: 'too-large',
      });
    }
  });

  it('that declares too many bytes is refused before anything is inflated', async () => {
    // What follows is no zlib stream: whoever inflated it first would say so instead.
    const body = framed(0xffff_ffff, Buffer.from('not zlib'));
    await expect(decodeMessage(COMPRESSED, body, LIMIT)).rejects.toThrow(
      'the message has 4294967295 bytes; at most 1000000 are taken',
    );
  });

  it.each([
    ['is a bomb behind a small size', framed(100, deflateSync(Buffer.alloc(50_000_000)))],
    ['has one byte more than it declares', framed(MESSAGE.length - 1, deflateSync(MESSAGE))],
    ['has one byte less than it declares', framed(MESSAGE.length + 1, deflateSync(MESSAGE))],
    ['declares nothing and has something', framed(0, deflateSync(MESSAGE))],
    ['is cut short', framed(MESSAGE.length, deflateSync(MESSAGE)).subarray(0, -3)],
    ['is cut within the size', Buffer.from([0, 0, 0])],
    ['has no stream', framed(0, Buffer.alloc(0))],
    [
      'is followed by something',
      Buffer.concat([framed(MESSAGE.length, deflateSync(MESSAGE)), Buffer.from('x')]),
    ],
    ['is not compressed although its type says so', MESSAGE],
    ['is damaged', framed(MESSAGE.length, damaged(deflateSync(MESSAGE)))],
  ])('that %s is refused', async (_, body) => {
    await expect(decodeMessage(COMPRESSED, body, 10_000_000_000)).rejects.toThrow(FossilSyntaxError);
  });

  const noise = randomBytes(400_000);
  it.each([
    ['has one byte more than it declares', framed(noise.length - 1, deflateSync(noise))],
    ['has one byte less than it declares', framed(noise.length + 1, deflateSync(noise))],
    ['declares nothing and has something', framed(0, deflateSync(noise))],
    ['is cut short', framed(noise.length, deflateSync(noise)).subarray(0, -3)],
    ['is followed by something', Buffer.concat([framed(noise.length, deflateSync(noise)), Buffer.from('x')])],
    ['is followed by much', Buffer.concat([framed(noise.length, deflateSync(noise)), noise])],
    ['is damaged', framed(noise.length, damaged(deflateSync(noise)))],
  ])('that is large and %s is refused', async (_, body) => {
    await expect(decodeMessage(COMPRESSED, body, 10_000_000)).rejects.toThrow(FossilSyntaxError);
  });
});

function framed(size: number, stream: Uint8Array): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(size);
  return Buffer.concat([prefix, stream]);
}

function damaged(stream: Buffer): Buffer {
  stream.writeUInt8(stream.readUInt8(stream.length - 1) ^ 1, stream.length - 1);
  return stream;
}
