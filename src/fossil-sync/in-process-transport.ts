import type { Transport, TransportReply, TransportRequest } from './transport.ts';

/** Answers a request; what a server's handler does. */
export type ExchangeHandler = (request: TransportRequest, signal: AbortSignal) => Promise<TransportReply>;

/** A transport to a server in the same process. */
export class InProcessTransport implements Transport {
  private readonly handler: ExchangeHandler;

  constructor(handler: ExchangeHandler) {
    this.handler = handler;
  }

  async exchange(request: TransportRequest, signal: AbortSignal): Promise<TransportReply> {
    signal.throwIfAborted();
    return this.handler(request, signal);
  }
}
