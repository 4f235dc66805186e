import { ChunkSource } from '../lib/chunk-source.ts';
import { CairnError } from '../lib/errors.ts';

/**
 * The decoded body of a request. The parser of its head reads it first, and then whoever needs the rest. What is left is read and
 * dropped, so that a client that is still sending reads its response. The source is bounded: it throws an error if the client has
 * gone, or has sent too much.
 */
export class RequestBody extends ChunkSource {
  private left = Number.POSITIVE_INFINITY;
  private received = 0;

  /** Bytes that have come so far, whether they were read from here or dropped. */
  get size(): number {
    return this.received;
  }

  /** Reads at most this many bytes from now on. After that, reading throws CairnError `too-large`. */
  cap(bytes: number): void {
    this.left = Math.min(this.left, bytes);
  }

  protected override onRead(bytes: number): void {
    this.received += bytes;
    this.left -= bytes;
    if (this.left < 0) throw new CairnError('too-large', 'the request has more bytes than this server reads');
  }
}
