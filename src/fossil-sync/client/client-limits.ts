const MiB = 1 << 20;

/** What a client does at most. */
export interface ClientLimits {
  /** Payload bytes in one request; one artifact is sent whatever its size. Fossil's setting `max-upload`. */
  readonly sendBytes: number;
  /** Rounds of one session. */
  readonly rounds: number;
  /** Artifacts asked for in one round, unless more came in the round before: then twice as many as came. */
  readonly gimmes: number;
  /** Bytes of a reply, inflated. */
  readonly replyBytes: number;
  /** Cards of a reply. */
  readonly replyCards: number;
  /** Artifacts that are announced by the server and not here; others are left for a later session. */
  readonly phantoms: number;
  /** How often a request is sent again after a fault of the network. */
  readonly retries: number;
  /** Rounds in a row in which something was asked for and nothing came, before a session gives up. */
  readonly idleRounds: number;
}

export const CLIENT_LIMITS: ClientLimits = {
  sendBytes: 250_000,
  rounds: 100,
  gimmes: 200,
  replyBytes: 512 * MiB,
  replyCards: 2_000_000,
  phantoms: 1_000_000,
  retries: 4,
  idleRounds: 3,
};
