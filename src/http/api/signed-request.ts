import type { Clock } from '../../lib/clock.ts';
import { CairnError } from '../../lib/errors.ts';
import { readCredential } from '../../nostr/http-credential.ts';
import { checkRequestToken, type TokenRequest } from '../../nostr/nip98-request.ts';
import type { Verifier } from '../../nostr/verify.ts';
import type { Caller } from '../git/git-access.ts';

/** The signer of a request. */
export interface RequestSigner extends Caller {
  /** When the token was signed, in seconds. */
  readonly signedAt: number;
}

export interface SignedRequestContext {
  readonly verifier: Verifier;
  readonly clock: Clock;
}

/**
 * Authenticates a request by its token (NIP-98).
 * @param authorization the value of the header
 * @throws CairnError `unauthenticated` with the reason when there is no token, or none for this request
 */
export function signerOfRequest(
  { verifier, clock }: SignedRequestContext,
  authorization: string | undefined,
  request: TokenRequest,
): RequestSigner {
  const credential = readCredential(authorization);
  if (credential.kind === 'none') {
    throw new CairnError('unauthenticated', 'this needs a token signed for the request (NIP-98)');
  }
  if (credential.kind === 'unusable') throw new CairnError('unauthenticated', credential.reason);
  const { event } = credential;
  if (!verifier.verify(event)) {
    throw new CairnError('unauthenticated', 'the signature of the token is invalid');
  }
  const token = checkRequestToken(event, request, Math.floor(clock.now() / 1000));
  if (!token.ok) throw new CairnError('unauthenticated', token.reason);
  return { actor: token.actor, token: token.tokenId, signedAt: token.signedAt };
}
