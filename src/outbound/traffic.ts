/** Is told what goes to and from a remote. Bytes are those of advertisements, requests and answers, without HTTP's headers. */
export interface TrafficObserver {
  /** A connection was made, or a process started. */
  connected(): void;
  /** A request begins; over a process, a conversation counts as one more. */
  requested(): void;
  /** Bytes of a request were sent. */
  sent(bytes: number): void;
  /** Bytes of an answer were received. */
  received(bytes: number): void;
}

/** What went to and came from one remote. */
export class TransferCounts implements TrafficObserver {
  /** Connections that were made, and processes that were started. */
  connections = 0;
  /** Requests, those that were redirected or refused at first as well. */
  requests = 0;
  sentBytes = 0;
  receivedBytes = 0;

  connected(): void {
    this.connections += 1;
  }

  requested(): void {
    this.requests += 1;
  }

  sent(bytes: number): void {
    this.sentBytes += bytes;
  }

  received(bytes: number): void {
    this.receivedBytes += bytes;
  }
}

/** Counts nothing. */
export const uncounted: TrafficObserver = {
  connected: () => undefined,
  requested: () => undefined,
  sent: () => undefined,
  received: () => undefined,
};
