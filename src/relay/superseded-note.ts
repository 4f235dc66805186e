import { addressOf } from '../nostr/address.ts';
import type { NostrEvent } from '../nostr/event.ts';
import type { Reason } from '../nostr/relay-message.ts';
import type { EventReader } from './events.ts';

/**
 * The note for the author of a replaceable event when another event of theirs is in force. That one is newer, or it was
 * signed in the same second and has the lower id (NIP-01).
 * @param newer the note when it is newer
 */
export function supersededNote(
  event: NostrEvent,
  events: Pick<EventReader, 'latest'>,
  newer: string,
): Reason {
  const address = addressOf(event);
  const inForce =
    address === undefined ? undefined : events.latest(address.kind, address.pubkey, address.identifier);
  if (inForce?.created_at !== event.created_at) return `duplicate: ${newer}`;
  return 'duplicate: you signed another event in the same second; the one with the lower id counts: sign this one again';
}
