/** Bytes of a stream, read piece by piece by one reader after another. */
export class ChunkSource {
  private readonly chunks: AsyncIterator<Buffer>;
  private pending: Buffer[] = [];
  private ended = false;

  /** @param source an error that it throws means that it broke off */
  constructor(source: AsyncIterable<Buffer>) {
    this.chunks = source[Symbol.asyncIterator]();
  }

  /** The next bytes, or undefined at the end. @throws whatever the source throws */
  async next(): Promise<Buffer | undefined> {
    const pending = this.pending.shift();
    if (pending !== undefined) return pending;
    if (this.ended) return undefined;
    const step = await this.chunks.next();
    if (step.done) {
      this.ended = true;
      return undefined;
    }
    this.onRead(step.value.length);
    return step.value;
  }

  /** Gives bytes back, to be read again first. */
  unread(chunk: Buffer): void {
    if (chunk.length > 0) this.pending.unshift(chunk);
  }

  /** Reads and drops what is left. @throws as {@link next} */
  async drain(): Promise<void> {
    this.pending = [];
    while ((await this.next()) !== undefined);
  }

  /** Called with the number of bytes that the source has just given; what it throws is thrown by {@link next}. */
  protected onRead(_bytes: number): void {
    // Nothing is bounded here.
  }
}
