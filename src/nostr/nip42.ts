/** How the other end of a relay connection shows who it is: it signs the challenge it was given (NIP-42). */
import type { VerifiedEvent } from './event.ts';
import { kinds } from './kinds.ts';
import { type Parsed, parsed, refused } from './parsed.ts';
import { canonicalRelayUrl } from './repository-url.ts';
import { firstValue } from './tags.ts';

/** Seconds the event may be off from our clock. */
export const relayAuthTolerance = 10 * 60;

export interface RelayAuthContext {
  /** The public URL of this relay. */
  readonly relayUrl: string;
  /** What this connection was asked to sign. */
  readonly challenge: string;
  /** Seconds. */
  readonly now: number;
}

/** @returns the public key that has shown itself */
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
