/**
 * The event with which somebody signs in to the pages of a service. A browser extension signs it (NIP-07). It is a token as
 * NIP-98 has them, for `POST <base>/sign-in`, and also names a challenge of the service: nobody can sign it in advance, and
 * it is good for nothing else.
 */
import type { VerifiedEvent } from './event.ts';
import { kinds } from './kinds.ts';
import { tokenTolerance } from './nip98.ts';
import { type Parsed, parsed, refused } from './parsed.ts';
import { firstValue, tagsNamed } from './tags.ts';

export interface SignInContext {
  /** The URL that the event is posted to. */
  readonly url: string;
  /** Seconds. */
  readonly now: number;
}

/** Who signs in, and which challenge the event answers. Whether that is one of this service is not checked here. */
export interface SignInEvent {
  /** Public key in hex. */
  readonly key: string;
  readonly challenge: string;
}

/** Decides whether an event with a valid signature is one to sign in with. */
export function checkSignInEvent(event: VerifiedEvent, { url, now }: SignInContext): Parsed<SignInEvent> {
  if (event.kind !== kinds.httpAuth) {
    return refused(`signing in needs an event of kind ${kinds.httpAuth} (NIP-98), this is ${event.kind}`);
  }
  // With two tags of a name the signer might have seen one and the server use the other.
  for (const name of ['u', 'method', 'challenge']) {
    if (tagsNamed(event, name).length !== 1) return refused(`the event must have exactly one ${name} tag`);
  }
  const signedUrl = firstValue(event, 'u') ?? '';
  if (!URL.canParse(signedUrl) || new URL(signedUrl).href !== new URL(url).href) {
    return refused(`the event is for another address, this is ${url}`);
  }
  if (firstValue(event, 'method')?.toUpperCase() !== 'POST') return refused('the event is not for POST');
  if (Math.abs(now - event.created_at) > tokenTolerance) {
    return refused(
      `the date of the event is more than ${tokenTolerance} s off: load the page again, or check the clock of your machine`,
    );
  }
  return parsed({ key: event.pubkey, challenge: firstValue(event, 'challenge') ?? '' });
}
