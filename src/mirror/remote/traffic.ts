/** Counts what goes to and from a remote. */
export interface TrafficObserver {
  /** A connection was made, or a process started. */
  connected(): void;
  /** A request begins; over a process, a conversation counts as one more. */
  requested(): void;
  /** Bytes of the body of a request were sent. */
  sent(bytes: number): void;
  /** Bytes of the body of an answer were received. */
  received(bytes: number): void;
}

/** Counts nothing. */
export const uncounted: TrafficObserver = {
  connected: () => undefined,
  requested: () => undefined,
  sent: () => undefined,
  received: () => undefined,
};
