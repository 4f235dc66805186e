import type { Readable, Writable } from 'node:stream';
import { CairnError } from './errors.ts';

/**
 * Reads a whole stream.
 * @throws CairnError `too-large` when it has more than `limit` bytes
 */
export async function readAll(stream: Readable, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new CairnError('too-large', `more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size);
}

/**
 * Reads a whole stream into an existing buffer.
 * @returns the part of the buffer that was filled
 * @throws CairnError `too-large` when the stream has more bytes
 */
export async function readInto(stream: Readable, target: Buffer): Promise<Buffer> {
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (size + chunk.length > target.length) {
      throw new CairnError('too-large', `more than ${target.length} bytes`);
    }
    size += chunk.copy(target, size);
  }
  return target.subarray(0, size);
}

/**
 * Writes a chunk and waits until the stream has room for the next.
 * @returns false when the stream was closed or failed, so that nothing more can be written
 */
export function writeChunk(stream: Writable, chunk: Uint8Array): Promise<boolean> {
  return isWritable(stream) && stream.write(chunk) ? Promise.resolve(true) : roomIn(stream);
}

/** False when the stream was closed or has failed. */
export function isWritable(stream: Writable): boolean {
  return !stream.destroyed && !stream.writableEnded;
}

/** Waits until a stream has room for the next chunk. @returns as {@link writeChunk} */
export function roomIn(stream: Writable): Promise<boolean> {
  if (!isWritable(stream)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const settle = (writable: boolean) => {
      stream.off('drain', onDrain);
      stream.off('close', onClose);
      stream.off('error', onClose);
      resolve(writable);
    };
    const onDrain = () => settle(true);
    const onClose = () => settle(false);
    stream.once('drain', onDrain);
    stream.once('close', onClose);
    stream.once('error', onClose);
  });
}
