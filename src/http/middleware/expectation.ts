import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Requests whose client waits to be told that it may send the body (`Expect: 100-continue`, RFC 9110, section 10.1.1). It is
 * told when the body is first read, so that everything that can be decided without the body is decided before.
 */
export class Expectations {
  private readonly waiting = new WeakMap<IncomingMessage, ServerResponse>();

  /** Notes that the client of a request waits. */
  note(incoming: IncomingMessage, response: ServerResponse): void {
    this.waiting.set(incoming, response);
  }

  /** True while the client has not been told that it may send. */
  isWaiting(incoming: IncomingMessage): boolean {
    return this.waiting.has(incoming);
  }

  /** Tells a client that waits that it may send. To be called before the body is read. */
  meet(incoming: IncomingMessage): void {
    const response = this.waiting.get(incoming);
    if (response === undefined) return;
    this.waiting.delete(incoming);
    if (!response.headersSent) response.writeContinue();
  }
}
