/** Events that nobody signed, for tests of what keeps and finds events: signatures are no business of theirs. */
import { type EventTemplate, eventId, type VerifiedEvent } from '../../../src/nostr/event.ts';

/** Public keys in form; nobody holds their secret keys. */
export const ann = 'a'.repeat(64);
export const ben = 'b'.repeat(64);
export const cat = 'c'.repeat(64);

/** An event with a true id; what is not given has plain values. */
export function plainEvent(fields: Partial<EventTemplate> & { readonly by?: string } = {}): VerifiedEvent {
  const { by: pubkey = ann, kind = 1621, created_at = 1_700_000_000, tags = [], content = '' } = fields;
  const event = { kind, created_at, tags, content, pubkey };
  return { ...event, id: eventId(event), sig: '0'.repeat(128) } as unknown as VerifiedEvent;
}
