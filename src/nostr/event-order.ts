/** Which of two events comes first (NIP-01). Of two versions at one address, that one stays. */
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
