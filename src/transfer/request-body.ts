import { CairnError } from '../lib/errors.ts';

/** A request's body, read piece by piece by one reader after another: first whoever parses its head, then the rest. */
export class RequestBody {
  private readonly chunks: AsyncIterator<Buffer>;
  private pending: Buffer[] = [];
  private ended = false;

  /** @param source the decoded body; an error it throws means that the client has gone */
  constructor(source: AsyncIterable<Buffer>) {
    this.chunks = source[Symbol.asyncIterator]();
  }

  /** The next bytes, or undefined at the end. */
  async next(): Promise<Buffer | undefined> {
    const pending = this.pending.shift();
    if (pending !== undefined) return pending;
    if (this.ended) return undefined;
    const step = await this.chunks.next();
    if (!step.done) return step.value;
    this.ended = true;
    return undefined;
  }

  /** Gives bytes back, to be read again first. */
  unread(chunk: Buffer): void {
    if (chunk.length > 0) this.pending.unshift(chunk);
  }

  /**
   * Reads and drops what is left, so that a client that is still sending gets to read its answer.
   * @throws CairnError `too-large` when more than `limit` bytes were left
   */
  async drain(limit: number): Promise<void> {
    let dropped = 0;
    for (let chunk = await this.next(); chunk !== undefined; chunk = await this.next()) {
      dropped += chunk.length;
      if (dropped > limit) throw new CairnError('too-large', `the request has more than ${limit} bytes`);
    }
  }
}
