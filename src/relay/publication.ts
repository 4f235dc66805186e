/** What a relay does with an event somebody sends it. */
import type { VerifiedEvent } from '../nostr/event.ts';
import type { Reason } from '../nostr/relay-message.ts';

/** What its sender is told. */
export interface Verdict {
  readonly accepted: boolean;
  /** Why not, or what is to be known about it; empty when there is nothing to say. */
  readonly note: Reason | '';
}

export function accept(note: Reason | '' = ''): Verdict {
  return { accepted: true, note };
}

export function reject(note: Reason): Verdict {
  return { accepted: false, note };
}

/** Who has sent an event: the keys his connection has proved to hold (NIP-42). */
export type Authenticated = ReadonlySet<string>;

export interface Publication {
  /**
   * Decides about an event and does what it asks for. Whatever happens, there is a verdict; nothing is thrown.
   * @param address the network address it comes from, or what stands for it
   */
  publish(event: VerifiedEvent, sender: Authenticated, address?: string): Promise<Verdict>;
}
