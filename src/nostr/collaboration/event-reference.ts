import { neventEncode } from 'nostr-tools/nip19';
import type { NostrEvent } from '../event.ts';

/**
 * The URI of an event (NIP-21), which Nostr clients open.
 * @param relay the URL of a relay that has it
 */
export function eventUri(
  { id, pubkey, kind }: Pick<NostrEvent, 'id' | 'pubkey' | 'kind'>,
  relay: string,
): string {
  return `nostr:${neventEncode({ id, relays: [relay], author: pubkey, kind })}`;
}
