import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Requests whose client waits for `100 Continue` before it sends the body (`Expect: 100-continue`, RFC 9110, section 10.1.1).
 * It is sent when the body is first read, so that everything that needs no body is decided before.
 */
export class Expectations {
  private readonly waiting = new WeakMap<IncomingMessage, ServerResponse>();

  /** Notes that the client of a request waits. */
  note(incoming: IncomingMessage, response: ServerResponse): void {
    this.waiting.set(incoming, response);
  }

  /** True while the client waits for `100 Continue`. */
  isWaiting(incoming: IncomingMessage): boolean {
    return this.waiting.has(incoming);
  }

  /** Sends `100 Continue` if the client waits for it. Call it before the body is read. */
  meet(incoming: IncomingMessage): void {
    const response = this.waiting.get(incoming);
    if (response === undefined) return;
    this.waiting.delete(incoming);
    if (!response.headersSent) response.writeContinue();
  }
}
