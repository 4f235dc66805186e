import type { WaitingOrder } from './push-authority.ts';

/** How a push ended, for logs and metrics. */
export interface PushSummary {
  readonly accepted: number;
  readonly refused: number;
  readonly packBytes: number;
  /** Digest of the manifest published; undefined when nothing was. */
  readonly manifest: string | undefined;
  /** Why the pack was not taken in, as the client was told. */
  readonly reason?: string;
  /** The order that was carried out; the order book has not been told. */
  readonly order?: WaitingOrder;
  /** What went wrong on the server's side, of which the client was told no more than it can act on. */
  readonly err?: unknown;
}

/** Of what turned out to be no push, or was none that could be read. */
export const NOTHING_PUSHED: PushSummary = { accepted: 0, refused: 0, packBytes: 0, manifest: undefined };
