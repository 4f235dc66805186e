/** zlib in threads, for what takes longer than others should wait. */
import type { Deflate, Inflate } from 'node:zlib';
import { CairnError } from '../lib/errors.ts';

/** Bytes that zlib is given at once. */
const SLICE = 1 << 18;

/**
 * Runs bytes through a stream of zlib into memory that is there already. Convenience functions of `node:zlib` collect their output
 * in pieces and join them, which takes the memory twice.
 * @param stream is destroyed at the end
 * @returns bytes that were written, and bytes of the source that zlib has read: fewer if its stream ends earlier
 * @throws CairnError `too-large` if the result does not fit; the error of zlib
 */
export async function throughZlib(
  stream: Deflate | Inflate,
  source: Uint8Array,
  target: Uint8Array,
): Promise<{ readonly written: number; readonly read: number }> {
  let written = 0;
  try {
    await new Promise<void>((resolve, reject) => {
      stream.on('data', (chunk: Buffer) => {
        if (written + chunk.length > target.length) {
          stream.destroy(new CairnError('too-large', `more than ${target.length} bytes`));
          return;
        }
        target.set(chunk, written);
        written += chunk.length;
      });
      stream.once('end', resolve);
      stream.once('error', reject);
      feed(stream, source, 0);
    });
  } finally {
    stream.destroy();
  }
  return { written, read: stream.bytesWritten };
}

/** Writes slices as zlib takes them. If its stream has ended or failed, it takes no more. */
function feed(stream: Deflate | Inflate, source: Uint8Array, from: number): void {
  let at = from;
  while (at < source.length) {
    const hasRoom = stream.write(source.subarray(at, at + SLICE));
    at += SLICE;
    if (hasRoom) continue;
    stream.once('drain', () => feed(stream, source, at));
    return;
  }
  stream.end();
}

/**
 * Runs pieces through a stream of zlib, for what is too large for memory. A piece is read before its `write` is over, so its memory
 * serves again. Ends with `end` or `destroy`.
 */
export class ZlibPieces {
  private readonly stream: Deflate | Inflate;
  private readonly done: Promise<void>;
  private fed = 0;
  private written = 0;

  /** @param sink gets the result; the next piece waits for it */
  constructor(stream: Deflate | Inflate, sink: (piece: Buffer) => unknown) {
    this.stream = stream;
    this.done = this.drain(sink);
    // Whoever writes or ends hears of it.
    this.done.catch(() => undefined);
  }

  /** Takes a piece. What comes behind the end of a zlib stream is counted and dropped. @throws the error of zlib or of the sink */
  async write(piece: Uint8Array): Promise<void> {
    this.fed += piece.length;
    const taken = new Promise<void>((resolve) => {
      if (this.stream.writable) this.stream.write(piece, () => resolve());
      else resolve();
    });
    await Promise.race([taken, this.done]);
  }

  /**
   * Waits for the rest of the result.
   * @returns bytes that came, bytes of them that zlib has read (fewer if its stream ends earlier), bytes of the result
   * @throws as {@link write}
   */
  async end(): Promise<{ readonly fed: number; readonly read: number; readonly written: number }> {
    if (this.stream.writable) this.stream.end();
    await this.done;
    return { fed: this.fed, read: this.stream.bytesWritten, written: this.written };
  }

  destroy(): void {
    this.stream.destroy();
  }

  private async drain(sink: (piece: Buffer) => unknown): Promise<void> {
    for await (const piece of this.stream as AsyncIterable<Buffer>) {
      this.written += piece.length;
      await sink(piece);
    }
  }
}
