/** How the client of a relay connection authenticates: it signs the challenge of the connection (NIP-42). */
import type { VerifiedEvent } from './event.ts';
import { kinds } from './kinds.ts';
import { type Parsed, parsed, refused } from './parsed.ts';
import { canonicalRelayUrl } from './repository-url.ts';
import { firstValue } from './tags.ts';

/** How many seconds the event's date may differ from our clock. */
export const relayAuthTolerance = 10 * 60;

export interface RelayAuthContext {
  /** The public URL of this relay. */
  readonly relayUrl: string;
  /** The challenge that this connection was given. */
  readonly challenge: string;
  /** Seconds. */
  readonly now: number;
}

/** @returns the public key that has authenticated */
export function checkRelayAuth(event: VerifiedEvent, context: RelayAuthContext): Parsed<string> {
  if (event.kind !== kinds.relayAuth) return refused(`AUTH needs an event of kind ${kinds.relayAuth}`);
  if (Math.abs(context.now - event.created_at) > relayAuthTolerance) {
    return refused(`the date is more than ${relayAuthTolerance} s off: check the clock of your machine`);
  }
  if (firstValue(event, 'challenge') !== context.challenge) {
    return refused('the challenge is not the one this connection was given');
  }
  const relay = canonicalRelayUrl(firstValue(event, 'relay') ?? '');
  if (relay === undefined || relay !== canonicalRelayUrl(context.relayUrl)) {
    return refused(`the relay tag does not name this relay, ${context.relayUrl}`);
  }
  return parsed(event.pubkey);
}
