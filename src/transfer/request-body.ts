/** A request's body, read piece by piece by one reader after another: first whoever parses its head, then the rest. */
export class RequestBody {
  private readonly chunks: AsyncIterator<Buffer>;
  private pending: Buffer[] = [];
  private ended = false;

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
   * @throws whatever the source throws, beyond its bound `too-large`
   */
  async drain(): Promise<void> {
    this.pending = [];
    while ((await this.next()) !== undefined);
  }
}
