import { ChunkSource } from '../lib/chunk-source.ts';
import { CairnError } from '../lib/errors.ts';

/**
 * A request's decoded body: first whoever parses its head reads it, then the others. What is left is drained, so that a client that
 * is still sending gets to read its answer. The source is bounded; an error that it throws means that the client has gone, or sent
 * too much.
 */
export class RequestBody extends ChunkSource {
  private left = Number.POSITIVE_INFINITY;
  private received = 0;

  /** Bytes that have come so far, whether they were read from here or dropped. */
  get size(): number {
    return this.received;
  }

  /** Lowers the bound of what is still read, in bytes; beyond it reading throws CairnError `too-large`. */
  cap(bytes: number): void {
    this.left = Math.min(this.left, bytes);
  }

  protected override onRead(bytes: number): void {
    this.received += bytes;
    this.left -= bytes;
    if (this.left < 0) throw new CairnError('too-large', 'the request has more bytes than are read here');
  }
}
