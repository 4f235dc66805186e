/** What deletes and what replaces an event, said as simply as it can be: the index of events must come to the same. */
import { addressOf, formatAddress } from '../../src/nostr/address.ts';
import type { Deletion } from '../../src/nostr/deletion.ts';
import type { NostrEvent } from '../../src/nostr/event.ts';
import { newestFirst } from '../../src/nostr/event-order.ts';
import { kinds } from '../../src/nostr/kinds.ts';

/**
 * True when the request deletes this event (NIP-09). Both must have the same author. A single event is deleted whatever its
 * date; an event at an address, if it is dated no later than the request. A deletion request cannot be deleted.
 */
export function deletes(deletion: Deletion, event: NostrEvent): boolean {
  if (event.pubkey !== deletion.author || event.kind === kinds.deletion) return false;
  if (deletion.events.has(event.id)) return true;
  const address = addressOf(event);
  if (address === undefined || event.created_at > deletion.at) return false;
  return deletion.addresses.has(formatAddress(address));
}

/**
 * True when `event` replaces `other` (NIP-01): both have the same address, and `event` is newer, or has the same date and the
 * lower id. An event does not replace itself.
 */
export function replaces(event: NostrEvent, other: NostrEvent): boolean {
  const address = addressOf(event);
  const place = addressOf(other);
  if (address === undefined || place === undefined) return false;
  return formatAddress(address) === formatAddress(place) && newestFirst(event, other) < 0;
}
