import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readAll, readInto, writeChunk } from '../../../src/lib/streams.ts';

describe('reading a stream whole', () => {
  it('joins its chunks', async () => {
    const whole = await readAll(Readable.from([Buffer.from('ab'), Buffer.from('c')]), 3);
    expect(whole.toString()).toBe('abc');
    expect(await readAll(Readable.from([]), 0)).toHaveLength(0);
  });

  it('stops and destroys the stream if it is longer than allowed', async () => {
    const stream = Readable.from([Buffer.from('abc'), Buffer.from('d')]);
    await expect(readAll(stream, 2)).rejects.toMatchObject({ kind: 'too-large' });
    expect(stream.destroyed).toBe(true);
  });

  it('fails with the error of the stream', async () => {
    const stream = new Readable({ read: () => undefined });
    const reading = readAll(stream, 10);
    stream.destroy(new Error('broken'));
    await expect(reading).rejects.toThrow('broken');
  });
});

describe('writing a chunk', () => {
  it('waits while the stream is full', async () => {
    const stream = new PassThrough({ highWaterMark: 4 });
    expect(await writeChunk(stream, Buffer.from('abc'))).toBe(true);
    const listeners = () => ['drain', 'close', 'error'].map((name) => stream.listenerCount(name));
    const before = listeners();
    let written = false;
    const writing = writeChunk(stream, Buffer.from('defg')).then((result) => {
      written = true;
      return result;
    });
    await new Promise(setImmediate);
    expect(written).toBe(false);
    stream.resume();
    expect(await writing).toBe(true);
    expect(listeners()).toEqual(before);
  });

  it.each(['is destroyed', 'fails'])('returns false if the stream %s meanwhile', async (how) => {
    const stream = new PassThrough({ highWaterMark: 1 });
    stream.on('error', () => undefined);
    const writing = writeChunk(stream, Buffer.from('abc'));
    stream.destroy(how === 'fails' ? new Error('gone') : undefined);
    expect(await writing).toBe(false);
    expect(await writeChunk(stream, Buffer.from('d'))).toBe(false);
  });
});

it('a stream is read into a given buffer, at most to its end', async () => {
  const room = Buffer.alloc(4, '.');
  const whole = await readInto(Readable.from([Buffer.from('ab'), Buffer.from('c')]), room);
  expect(whole.toString()).toBe('abc');
  expect(room.toString()).toBe('abc.');
  const stream = Readable.from([Buffer.from('abc'), Buffer.from('de')]);
  await expect(readInto(stream, room)).rejects.toMatchObject({ kind: 'too-large' });
  expect(stream.destroyed).toBe(true);
});
