import { addressOf } from '../nostr/address.ts';
import type { NostrEvent } from '../nostr/event.ts';
import type { Reason } from '../nostr/relay-message.ts';
import type { EventReader } from './events.ts';

/**
 * What the author of a replaceable event is told when another one of theirs is in force: that one is newer, or was signed
 * in the same second and has the lower id (NIP-01).
 * @param newer what to say when it is newer
 */
export function outdoneNote(event: NostrEvent, events: Pick<EventReader, 'latest'>, newer: string): Reason {
  const address = addressOf(event);
  const inForce =
    address === undefined ? undefined : events.latest(address.kind, address.pubkey, address.identifier);
  if (inForce?.created_at !== event.created_at) return `duplicate: ${newer}`;
  return 'duplicate: you signed another one in the same second, and of two the one with the lower id counts: sign this one anew';
}
