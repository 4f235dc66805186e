/** Deltas and payloads that are too large for memory: the same results and the same errors as in memory. */
import { describe, expect, it } from 'vitest';
import {
  deflatePayload,
  deflatePayloadInPieces,
  inflatePayload,
  inflatePayloadInPieces,
} from '../../../src/fossil/compression.ts';
import { createDelta } from '../../../src/fossil/create-delta.ts';
import { applyDelta } from '../../../src/fossil/delta.ts';
import { applyDeltaInPieces } from '../../../src/fossil/delta-in-pieces.ts';
import { messageOf } from '../../../src/lib/errors.ts';
import type { Bytes } from '../../../src/lib/file-bytes.ts';
import { inFile } from '../../helpers/bytes-in-file.ts';
import { noise } from '../../helpers/noise.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';

type Sink = (piece: Uint8Array) => unknown;

/** All pieces, or the words of the error. */
async function result(work: (sink: Sink) => Promise<void>): Promise<string> {
  const pieces: Buffer[] = [];
  try {
    await work((piece) => pieces.push(Buffer.from(piece)));
    return Buffer.concat(pieces).toString('base64');
  } catch (error) {
    return messageOf(error);
  }
}

function inOneStep(work: () => Uint8Array): Promise<string> {
  return result(async (sink) => void sink(work()));
}

/** The bytes in memory, and in a file. */
async function eachWay(bytes: Uint8Array, work: (bytes: Bytes) => Promise<void>): Promise<void> {
  await work(bytes);
  await inFile(bytes, work);
}

async function expectSameDelta(source: Uint8Array, delta: Uint8Array, limit = 10_000_000): Promise<void> {
  const expected = await inOneStep(() => applyDelta(source, delta, limit));
  await eachWay(source, (from) =>
    eachWay(delta, async (by) => {
      const found = await result((sink) => applyDeltaInPieces(from, by, limit, sink));
      // Not a diff of megabytes.
      expect(found === expected, `${found.slice(0, 100)} instead of ${expected.slice(0, 100)}`).toBe(true);
    }),
  );
}

describe('deltas in pieces', () => {
  it('make what they make in memory', async () => {
    const random = new SeededRandom(3);
    for (let round = 0; round < 12; round++) {
      const source = noise(random.below(900_000), round);
      const parts: Buffer[] = [];
      for (let part = 0; part < random.below(12); part++) {
        const at = random.below(source.length + 1);
        parts.push(source.subarray(at, at + random.below(400_000)), noise(random.below(400_000), 100 + part));
      }
      await expectSameDelta(source, createDelta(source, Buffer.concat(parts)));
    }
  });

  it('copy tiny pieces from everywhere', async () => {
    const random = new SeededRandom(4);
    const source = noise(3_000_000);
    const pieces = Array.from({ length: 3_000 }, () => {
      const at = random.below(source.length - 64);
      return source.subarray(at, at + 40);
    });
    await expectSameDelta(source, createDelta(source, Buffer.concat(pieces)));
  });

  it.each([
    '',
    '\n0;',
    '3:abc0;',
    '400000\n0;',
    'J\nJ@1A,0;',
    '3\n3@3~~~~~,0;',
    '3\n400000@0,0;',
    '3\n3@0;',
    '3\n4@0,0;',
    '3\n4:abcd0;',
    '4\n3:abc0;',
    '4\n4:ab',
    '3\n3:abc',
    '3\n3:abc12',
    '3\n3!abc0;',
    '3\n:abc0;',
    '0\n0;',
  ])('are refused with the same words: %j', async (delta) => {
    await expectSameDelta(Buffer.from('some bytes of a source'), Buffer.from(delta), 1000);
  });
});

describe('payloads in pieces', () => {
  const content = Buffer.concat([noise(700_000), Buffer.alloc(500_000, 'text ')]);
  const payload = Buffer.from(deflatePayload(content));
  const declaring = (size: number) => {
    const changed = Buffer.from(payload);
    changed.writeUInt32BE(size);
    return changed;
  };

  it.each<[string, Uint8Array]>([
    ['whole', payload],
    ['of nothing', deflatePayload(new Uint8Array(0))],
    ['too short for a size', Buffer.from('abc')],
    ['cut short', payload.subarray(0, 300_000)],
    ['with trailing bytes', Buffer.concat([payload, Buffer.alloc(300_000)])],
    ['that declares more', declaring(content.length + 1)],
    ['that declares less', declaring(content.length - 1)],
    ['that declares too much', declaring(20_000_000)],
    ['damaged', Buffer.concat([payload.subarray(0, 500_000), noise(200_000)])],
  ])('inflate as in memory: %s', async (_what, bytes) => {
    const expected = await inOneStep(() => inflatePayload(bytes, 10_000_000));
    await eachWay(bytes, async (given) => {
      const found = await result((sink) => inflatePayloadInPieces(given, 10_000_000, sink));
      const isError = expected.includes(' ');
      if (isError) expect(found.slice(0, 25)).toBe(expected.slice(0, 25));
      else expect(found === expected).toBe(true);
    });
  });

  it('are compressed', async () => {
    for (const bytes of [content, Buffer.alloc(0), Buffer.from('few')]) {
      await eachWay(bytes, async (given) => {
        const found = Buffer.from(await result((sink) => deflatePayloadInPieces(given, sink)), 'base64');
        expect(Buffer.from(inflatePayload(found, 10_000_000)).equals(bytes)).toBe(true);
      });
    }
  });
});
