import type { RequestBody } from './connection.ts';

/** The body of a request while it is sent: counted, and closed exactly once. */
export class SentBody {
  /** Bytes that were taken from the body. */
  taken = 0;
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
      if (step.done) {
        this.closed = true;
        return undefined;
      }
      this.taken += step.value.length;
      return step.value;
    } catch (error) {
      this.closed = true;
      this.failure = { error };
      return undefined;
    } finally {
      this.waiting = false;
    }
  }

  /** Gives up the rest. Does not wait for the body, which may be in the middle of something. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    // The request is over already: that its body cannot be closed changes nothing for it.
    void this.iterator.return?.().catch(() => undefined);
  }
}

/** The bytes of a body, and their number. */
export function countedBody(body: RequestBody): {
  readonly body: RequestBody;
  readonly sent: () => number;
  readonly failure: () => { readonly error: unknown } | undefined;
} {
  if (Buffer.isBuffer(body)) return { body, sent: () => body.length, failure: () => undefined };
  const inner = new SentBody(body);
  const iterator: AsyncIterator<Buffer> = {
    async next() {
      const value = await inner.next();
      if (inner.failure !== undefined) throw inner.failure.error;
      return value === undefined ? { done: true, value: undefined } : { done: false, value };
    },
    async return() {
      inner.close();
      return { done: true, value: undefined };
    },
  };
  return {
    body: { [Symbol.asyncIterator]: () => iterator },
    sent: () => inner.taken,
    failure: () => inner.failure,
  };
}
