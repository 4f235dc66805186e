import type { RequestBody } from './request-body.ts';

/** A body of a request that comes in pieces: closed exactly once, whatever happens. */
export class SentBody {
  /** True while the body itself is slow: neither side of the connection can do anything about it. */
  waiting = false;
  /** What the body threw. */
  failure: { readonly error: unknown } | undefined;
  private readonly iterator: AsyncIterator<Buffer>;
  private closed = false;

  constructor(body: AsyncIterable<Buffer>) {
    this.iterator = body[Symbol.asyncIterator]();
  }

  /** Whether there may be more of it. */
  get open(): boolean {
    return !this.closed;
  }

  /** The next bytes; undefined at the end, after an error, and once it was closed. */
  async next(): Promise<Buffer | undefined> {
    if (this.closed) return undefined;
    this.waiting = true;
    try {
      const step = await this.iterator.next();
      if (!step.done) return this.closed ? undefined : step.value;
      this.closed = true;
    } catch (error) {
      if (!this.closed) this.failure = { error };
      this.closed = true;
    } finally {
      this.waiting = false;
    }
    return undefined;
  }

  /** Gives up the rest. Does not wait for the body, which may be in the middle of something. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    // The request is over already: that its body cannot be closed changes nothing for it.
    void this.iterator.return?.().catch(() => undefined);
  }
}

/** A body of a request, and how much of it was taken. */
export class CountedBody {
  /** To be sent instead. */
  readonly body: RequestBody | undefined;
  /** Bytes that were taken. */
  sent = 0;
  private readonly inner: SentBody | undefined;

  /** @param onSent is told the number of bytes of each piece */
  constructor(body: RequestBody | undefined, onSent: (bytes: number) => void) {
    if (body === undefined || Buffer.isBuffer(body)) {
      this.body = body;
      this.sent = body?.length ?? 0;
      if (body !== undefined) onSent(body.length);
      return;
    }
    const inner = new SentBody(body);
    const iterator: AsyncIterator<Buffer> = {
      next: async () => {
        const value = await inner.next();
        if (inner.failure !== undefined) throw inner.failure.error;
        if (value === undefined) return { done: true, value: undefined };
        this.sent += value.length;
        onSent(value.length);
        return { done: false, value };
      },
      return: async () => {
        inner.close();
        return { done: true, value: undefined };
      },
    };
    this.inner = inner;
    this.body = { [Symbol.asyncIterator]: () => iterator };
  }

  /** What the body threw. */
  get failure(): { readonly error: unknown } | undefined {
    return this.inner?.failure;
  }

  /** Gives up what was not sent. */
  close(): void {
    this.inner?.close();
  }
}
