import type { NostrEvent } from '../nostr/event.ts';
import { isExpired } from '../nostr/expiration.ts';
import { kinds } from '../nostr/kinds.ts';
import type { Reason } from '../nostr/relay-message.ts';

/**
 * What can be said against publishing an event without looking at its signature, or undefined: it is dated too far
 * ahead, has expired (NIP-40), or shows a connection who its author is (NIP-42) and is nobody else's business.
 *
 * @param now seconds
 * @param secondsAhead how far its date may be ahead of `now`
 */
export function objectionTo(event: NostrEvent, now: number, secondsAhead: number): Reason | undefined {
  if (event.kind === kinds.relayAuth) {
    return `invalid: kind ${kinds.relayAuth} is sent as AUTH and is never published`;
  }
  if (event.created_at > now + secondsAhead) {
    return `invalid: created_at is more than ${secondsAhead} s ahead: check the clock of your machine`;
  }
  if (isExpired(event, now)) return 'invalid: the event has expired';
  return undefined;
}
