import { createDeflate, createInflate, deflateSync, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ZlibPieces } from '../../../src/fossil/zlib-aside.ts';
import { noise } from '../../helpers/noise.ts';

const CONTENT = noise(3_000_000);
const DEFLATED = deflateSync(CONTENT);

async function inflated(bytes: Uint8Array, step: number, sink?: (piece: Buffer) => unknown) {
  const result: Buffer[] = [];
  const pieces = new ZlibPieces(createInflate(), sink ?? ((piece) => result.push(piece)));
  const room = Buffer.alloc(step);
  try {
    for (let at = 0; at < bytes.length; at += step) {
      // The same memory each time.
      const length = Math.min(step, bytes.length - at);
      room.set(bytes.subarray(at, at + length));
      await pieces.write(room.subarray(0, length));
    }
    return { ...(await pieces.end()), result: Buffer.concat(result) };
  } finally {
    pieces.destroy();
  }
}

describe('a stream of zlib in pieces', () => {
  it.each([100, 65_536, 10_000_000])('inflates pieces of %i bytes', async (step) => {
    const all = { fed: DEFLATED.length, read: DEFLATED.length, written: CONTENT.length };
    const small = step < 1000 ? deflateSync(CONTENT.subarray(0, 30_000)) : DEFLATED;
    const found = await inflated(small, step);
    if (small === DEFLATED) expect(found).toMatchObject(all);
    expect(found.result.equals(inflateSync(small))).toBe(true);
  });

  it('counts what comes behind the end of the stream', async () => {
    const found = await inflated(Buffer.concat([DEFLATED, Buffer.alloc(500_000)]), 70_000);
    expect(found).toMatchObject({
      fed: DEFLATED.length + 500_000,
      read: DEFLATED.length,
      written: CONTENT.length,
    });
  });

  it.each([
    ['cut short', DEFLATED.subarray(0, 1_000_000)],
    ['no stream', Buffer.alloc(500_000, 7)],
    ['empty', Buffer.alloc(0)],
  ])('fails for bytes that are %s', async (_what, bytes) => {
    await expect(inflated(bytes, 70_000)).rejects.toThrow();
  });

  it('fails as the receiver does, and takes no more', async () => {
    let pieces = 0;
    const sink = () => {
      pieces++;
      throw new Error('full');
    };
    await expect(inflated(DEFLATED, 70_000, sink)).rejects.toThrow('full');
    expect(pieces).toBe(1);
  });

  it('holds little of a result that nobody takes', async () => {
    let taken = 0;
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const bomb = deflateSync(Buffer.alloc(50_000_000));
    const done = inflated(bomb, bomb.length, async (piece) => {
      taken += piece.length;
      await gate;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(taken).toBeLessThan(1_000_000);
    go();
    expect((await done).written).toBe(50_000_000);
  });

  it('compresses', async () => {
    const result: Buffer[] = [];
    const pieces = new ZlibPieces(createDeflate(), (piece) => result.push(piece));
    for (let at = 0; at < CONTENT.length; at += 100_000)
      await pieces.write(CONTENT.subarray(at, at + 100_000));
    await pieces.end();
    expect(inflateSync(Buffer.concat(result)).equals(CONTENT)).toBe(true);
  });
});
