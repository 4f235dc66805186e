import { CairnError } from '../lib/errors.ts';

/** A request's body, read piece by piece by one reader after another: first whoever parses its head, then the rest. */
export class RequestBody {
  private readonly chunks: AsyncIterator<Buffer>;
  private pending: Buffer[] = [];
  private ended = false;
  private left = Number.POSITIVE_INFINITY;

  /** @param source the decoded body, bounded; an error it throws means that the client has gone, or sent too much */
  constructor(source: AsyncIterable<Buffer>) {
    this.chunks = source[Symbol.asyncIterator]();
  }

  /** The next bytes, or undefined at the end. */
  async next(): Promise<Buffer | undefined> {
    const pending = this.pending.shift();
    if (pending !== undefined) return pending;
    if (this.ended) return undefined;
    const step = await this.chunks.next();
    if (!step.done) {
      this.left -= step.value.length;
      if (this.left < 0) throw new CairnError('too-large', 'the request has more bytes than are read here');
      return step.value;
    }
    this.ended = true;
    return undefined;
  }

  /** Lowers the bound of what is still read, in bytes; beyond it reading throws CairnError `too-large`. */
  cap(bytes: number): void {
    this.left = Math.min(this.left, bytes);
  }

  /** Gives bytes back, to be read again first. */
  unread(chunk: Buffer): void {
    if (chunk.length > 0) this.pending.unshift(chunk);
  }

  /**
   * Reads and drops what is left, so that a client that is still sending gets to read its answer.
   * @throws whatever the source throws, beyond its bound `too-large`
   */
  async drain(): Promise<void> {
    this.pending = [];
    while ((await this.next()) !== undefined);
  }
}
