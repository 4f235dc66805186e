/**
 * Tokens for single requests, as NIP-98 has them: bound to the URL, to the method and to the body. Git cannot make such
 * tokens, which is why `nip98.ts` has others for it.
 */
import { sha256 } from '../lib/digest.ts';
import type { EventTemplate, NostrEvent, Tag, VerifiedEvent } from './event.ts';
import { kinds } from './kinds.ts';
import { tokenTolerance } from './nip98.ts';
import { type Refused, refused } from './parsed.ts';
import { firstValue, tagsNamed } from './tags.ts';

/** A request that a token is for. */
export interface TokenRequest {
  /** The whole URL, with the query. */
  readonly url: string;
  readonly method: string;
  /** Empty when there is none. */
  readonly body: Uint8Array;
}

export interface RequestTokenAccepted {
  readonly ok: true;
  readonly actor: string;
  readonly tokenId: string;
  /** When it was signed, in seconds. */
  readonly signedAt: number;
}

/**
 * Decides whether a token with a valid signature is valid for a request now.
 * @param now seconds
 */
export function checkRequestToken(
  event: VerifiedEvent,
  request: TokenRequest,
  now: number,
): RequestTokenAccepted | Refused {
  if (event.kind !== kinds.httpAuth) {
    return refused(`the token is an event of kind ${event.kind}, it must be ${kinds.httpAuth} (NIP-98)`);
  }
  const problem = requestProblem(event, request) ?? timeProblem(event, now);
  if (problem !== undefined) return refused(problem);
  return { ok: true, actor: event.pubkey, tokenId: event.id, signedAt: event.created_at };
}

function requestProblem(event: NostrEvent, { url, method, body }: TokenRequest): string | undefined {
  // With two tags of a name the signer might have seen one and the server use the other.
  for (const name of ['u', 'method']) {
    if (tagsNamed(event, name).length !== 1) return `the token must have exactly one ${name} tag`;
  }
  const signedUrl = firstValue(event, 'u') ?? '';
  if (!URL.canParse(signedUrl) || new URL(signedUrl).href !== new URL(url).href) {
    return `the token is for ${signedUrl}, this is ${url}`;
  }
  if (firstValue(event, 'method')?.toUpperCase() !== method) return `the token is not for ${method}`;
  const payloads = tagsNamed(event, 'payload');
  if (body.length === 0 && payloads.length === 0) return undefined;
  if (payloads.length !== 1 || firstValue(event, 'payload')?.toLowerCase() !== sha256(body)) {
    return 'the token must have one payload tag, the SHA-256 of the body in hex';
  }
  return undefined;
}

function timeProblem(event: NostrEvent, now: number): string | undefined {
  const age = now - event.created_at;
  if (Math.abs(age) <= tokenTolerance) return undefined;
  return age < 0
    ? `the token is dated ${-age} s ahead: check the clock of your machine`
    : `the token is ${age} s old, it is good for ${tokenTolerance} s: sign a new one, or check your clock`;
}

/** A token to sign for a request. @param now seconds */
export function requestTokenTemplate({ url, method, body }: TokenRequest, now: number): EventTemplate {
  const tags: Tag[] = [
    ['u', url],
    ['method', method],
  ];
  if (body.length > 0) tags.push(['payload', sha256(body)]);
  return { kind: kinds.httpAuth, created_at: now, tags, content: '' };
}
