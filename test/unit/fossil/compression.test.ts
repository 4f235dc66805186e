import { randomBytes } from 'node:crypto';
import { deflateRawSync, deflateSync, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  deflatePayload,
  deflatePayloadAside,
  inflatePayload,
  inflatePayloadAside,
  isStoredPayload,
  payloadContentSize,
  storedPayload,
} from '../../../src/fossil/compression.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { testSeed } from '../../helpers/test-seed.ts';

const SEED = testSeed(14);

const withSize = (size: number, ...parts: Uint8Array[]) => {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(size);
  return Buffer.concat([head, ...parts]);
};

describe('a compressed payload', () => {
  it.each([0, 1, 100, 2_048, 2_049, 100_000])('of %i bytes is read back', (size) => {
    const content = Buffer.from(Array.from({ length: size }, (_, at) => (at * at) % 97));
    const payload = deflatePayload(content);
    expect(payloadContentSize(payload)).toBe(size);
    expect(Buffer.from(inflatePayload(payload, size)).equals(content)).toBe(true);
  });

  it('is read at every compression level and window of zlib', () => {
    const content = Buffer.from('some text, some text, some more text');
    for (const level of [0, 1, 9]) {
      expect(inflatePayload(withSize(content.length, deflateSync(content, { level })), 100)).toEqual(content);
    }
  });
});

describe('a payload that is not compressed', () => {
  it.each([0, 1, 2_049, 65_535, 65_536, 200_000])('of %i bytes is read back, by zlib as well', (size) => {
    const content = Buffer.from(Array.from({ length: size }, (_, at) => (at * at) % 251));
    const payload = storedPayload(content);
    expect(isStoredPayload(payload)).toBe(true);
    expect(isStoredPayload(deflatePayload(content))).toBe(false);
    expect(payload.length - size).toBeLessThanOrEqual(10 + 5 * Math.max(1, Math.ceil(size / 65_535)));
    expect(inflateSync(payload.subarray(4)).equals(content)).toBe(true);
    expect(Buffer.from(inflatePayload(payload, size)).equals(content)).toBe(true);
  });
});

describe('a compressed payload is refused', () => {
  const large = Buffer.alloc(10_000, 'large ');
  it.each([
    ['without a size', Buffer.from([0, 0, 1])],
    ['without a stream', withSize(5)],
    ['with another size than declared', withSize(4, deflateSync(Buffer.from('12345')))],
    ['with less than declared', withSize(6, deflateSync(Buffer.from('12345')))],
    ['with more than a large size declares', withSize(9_999, deflateSync(large))],
    ['with less than a large size declares', withSize(10_001, deflateSync(large))],
    ['with bytes after its stream', withSize(5, deflateSync(Buffer.from('12345')), Buffer.from('\n'))],
    ['with bytes after a large stream', withSize(10_000, deflateSync(large), Buffer.from('\n'))],
    ['without its checksum', withSize(5, deflateSync(Buffer.from('12345')).subarray(0, -4))],
    ['without the checksum of a large one', withSize(10_000, deflateSync(large).subarray(0, -4))],
    ['as a stream without a header', withSize(5, deflateRawSync(Buffer.from('12345')))],
    [
      'with a preset dictionary',
      withSize(5, deflateSync(Buffer.from('12345'), { dictionary: Buffer.from('1234') })),
    ],
    ['of nothing but noise', withSize(5, Buffer.from('these are no bytes of zlib'))],
  ])('%s', (_, payload) => {
    expect(() => inflatePayload(payload, 1e6)).toThrow('a compressed payload');
  });

  it.each([10, 10_000])('with a wrong checksum (%i bytes)', (size) => {
    const payload = Buffer.from(deflatePayload(Buffer.alloc(size, 1)));
    payload[payload.length - 1] = (payload[payload.length - 1] ?? 0) ^ 1;
    expect(() => inflatePayload(payload, size)).toThrow('damaged');
  });

  it('if it declares more than allowed, before it is inflated', () => {
    const noStream = withSize(101, Buffer.from('no stream'));
    expect(() => inflatePayload(noStream, 100)).toThrow('declares 101 bytes, and 100 are allowed');
  });

  it(`or has its declared size, for any changed bytes (seed ${SEED})`, () => {
    const random = new SeededRandom(SEED);
    const payload = Buffer.from(deflatePayload(Buffer.from('a b c a b c d e f '.repeat(20))));
    for (let run = 0; run < 5_000; run++) {
      const hurt = Buffer.from(payload.subarray(0, random.below(payload.length + 1)));
      if (hurt.length > 4) hurt[4 + random.below(hurt.length - 4)] = random.below(256);
      try {
        expect(inflatePayload(hurt, 1_000).length).toBe(360);
      } catch (error) {
        expect(error).toMatchObject({ name: 'CairnError' });
      }
    }
  });
});

describe('a large payload, made and read in a thread', () => {
  const MIB = 2 ** 20;
  const contents = (['text', 'noise'] as const).flatMap((kind) =>
    [MIB - 1, MIB, 3 * MIB + 17].map((size) => [kind, size] as const),
  );

  it.each(contents)('is the same as another one (%s of %i bytes)', async (kind, size) => {
    const content = kind === 'text' ? Buffer.alloc(size, 'a b c d\n') : randomBytes(size);
    const aside = await deflatePayloadAside(content);
    expect(payloadContentSize(aside)).toBe(size);
    expect(Buffer.from(inflatePayload(aside, size)).equals(content)).toBe(true);
    for (const payload of [aside, deflatePayload(content), storedPayload(content)]) {
      expect(Buffer.from(await inflatePayloadAside(payload, size)).equals(content)).toBe(true);
    }
  });

  const content = randomBytes(2 * MIB);
  // zlib is given 2^18 bytes at once: something may follow the stream in the same slice or in another one.
  const padded = Buffer.alloc(2 ** 18);
  it.each([
    ['has more than it declares', withSize(2 * MIB - 1, deflateSync(content))],
    ['has less than it declares', withSize(2 * MIB + 1, deflateSync(content))],
    ['is a bomb', withSize(MIB, deflateSync(Buffer.alloc(50 * MIB)))],
    ['is cut short', withSize(2 * MIB, deflateSync(content).subarray(0, MIB))],
    ['is without its checksum', withSize(2 * MIB, deflateSync(content).subarray(0, -4))],
    ['is followed by a byte', withSize(2 * MIB, deflateSync(content), Buffer.from('\n'))],
    ['is followed by slices', withSize(2 * MIB, deflateSync(content), padded, padded, padded)],
    ['is noise', withSize(2 * MIB, content)],
    ['is nothing', withSize(2 * MIB)],
  ])('that %s is refused', async (_, payload) => {
    await expect(inflatePayloadAside(payload, 100 * MIB)).rejects.toThrow('a compressed payload is damaged');
  });

  it('that declares more than allowed is refused before it is inflated', async () => {
    const payload = withSize(3 * MIB, Buffer.from('no stream'));
    await expect(inflatePayloadAside(payload, 2 * MIB)).rejects.toThrow('declares 3145728 bytes');
  });
});
