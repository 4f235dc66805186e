import { type Announcement, parseAnnouncement } from '../../nostr/announcement.ts';
import type { NostrEvent } from '../../nostr/event.ts';

const read = new WeakMap<NostrEvent, Announcement | null>();

/**
 * Parses a stored announcement, once per event object.
 * @returns undefined for an announcement that cannot be parsed, and for undefined
 */
export function readAnnouncement(event: NostrEvent | undefined): Announcement | undefined {
  if (event === undefined) return undefined;
  const known = read.get(event);
  if (known !== undefined) return known ?? undefined;
  const result = parseAnnouncement(event);
  read.set(event, result.ok ? result.value : null);
  return result.ok ? result.value : undefined;
}
