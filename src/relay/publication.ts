/** What the relay does with events that clients send. */
import type { VerifiedEvent } from '../nostr/event.ts';
import type { Reason } from '../nostr/relay-message.ts';

/** The answer to the sender. */
export interface Verdict {
  readonly accepted: boolean;
  /** Why it was rejected, or what the sender should know; may be empty. */
  readonly note: Reason | '';
}

export function accept(note: Reason | '' = ''): Verdict {
  return { accepted: true, note };
}

export function reject(note: Reason): Verdict {
  return { accepted: false, note };
}

/** The sender of an event: the keys that the connection has authenticated (NIP-42). */
export type Authenticated = ReadonlySet<string>;

export interface Publication {
  /**
   * Decides about an event and does what it asks for. Never rejects: each event gets a verdict.
   * @param address the network address of the sender, or a substitute for it
   */
  publish(event: VerifiedEvent, sender: Authenticated, address?: string): Promise<Verdict>;
}
