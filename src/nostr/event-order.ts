/** Which of two events comes first, and which of two versions stays (NIP-01). */
import { addressOf, formatAddress } from './address.ts';
import type { NostrEvent } from './event.ts';

/** Sort order of an answer to a REQ: newer first; at the same second the lower id first. */
export function newestFirst(
  a: Pick<NostrEvent, 'created_at' | 'id'>,
  b: Pick<NostrEvent, 'created_at' | 'id'>,
): number {
  if (a.created_at !== b.created_at) return b.created_at - a.created_at;
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}

/**
 * True when `event` replaces `other`: both have the same address, and `event` is newer, or has the same date and the lower
 * id. An event does not replace itself.
 */
export function replaces(event: NostrEvent, other: NostrEvent): boolean {
  const address = addressOf(event);
  const place = addressOf(other);
  if (address === undefined || place === undefined) return false;
  return formatAddress(address) === formatAddress(place) && newestFirst(event, other) < 0;
}
