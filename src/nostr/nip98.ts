/**
 * Tokens that say who sends a git request: NIP-98 events, bent to what git can carry. Git asks its helper once, knowing
 * host and path but neither service nor verb, and sends the same credential with info/refs and with every POST after it.
 * So a token names the repository, not the request: its `method` and `payload` bind nothing.
 */
import { type EventTemplate, encodeEvent, type NostrEvent, type Tag, type VerifiedEvent } from './event.ts';
import { expirationOf } from './expiration.ts';
import { kinds } from './kinds.ts';
import { type Refused, refused } from './parsed.ts';
import { canonicalRepositoryUrl } from './repository-url.ts';
import { firstValue, tagsNamed } from './tags.ts';

/** Seconds a token may be off from our clock when git presents it first, and ahead of it at any time. */
export const tokenTolerance = 60;

/**
 * Seconds after which a token is too old for a POST. Git opens it only when it has compressed what it sends, minutes
 * after info/refs when there is much of it, and gives up when the credential it used is then refused.
 */
export const tokenLifetime = 15 * 60;

export interface TokenContext {
  /** Every URL of the repository asked for; with or without `.git` is the same. */
  readonly repositoryUrls: readonly string[];
  /** Seconds. */
  readonly now: number;
  /** `advertise` for info/refs, where git presents a fresh token; `receive` for the POSTs that follow. */
  readonly stage: 'advertise' | 'receive';
}

/** Whose token it is, and which: what the evidence of a push records. */
export interface TokenAccepted {
  readonly ok: true;
  readonly actor: string;
  readonly tokenId: string;
}

/** Decides whether a token, whose signature holds, is good for a repository now. */
export function checkToken(event: VerifiedEvent, context: TokenContext): TokenAccepted | Refused {
  if (event.kind !== kinds.httpAuth) {
    return refused(`the token is an event of kind ${event.kind}, it must be ${kinds.httpAuth} (NIP-98)`);
  }
  const problem = urlProblem(event, context.repositoryUrls) ?? timeProblem(event, context);
  return problem === undefined ? { ok: true, actor: event.pubkey, tokenId: event.id } : refused(problem);
}

function urlProblem(event: NostrEvent, repositoryUrls: readonly string[]): string | undefined {
  // Of two, a signer may have looked at one and the server at the other.
  if (tagsNamed(event, 'u').length !== 1)
    return 'the token must have exactly one u tag, the URL of the repository';
  const url = firstValue(event, 'u') ?? '';
  const canonical = canonicalRepositoryUrl(url);
  if (canonical === undefined) {
    return 'the u tag of the token must be a plain http or https URL, without user, query and fragment';
  }
  if (repositoryUrls.some((own) => canonicalRepositoryUrl(own) === canonical)) return undefined;
  return `the token is for ${canonical}, this is ${repositoryUrls[0]}`;
}

function timeProblem(event: NostrEvent, { now, stage }: TokenContext): string | undefined {
  const age = now - event.created_at;
  if (age < -tokenTolerance) return `the token is dated ${-age} s ahead: check the clock of your machine`;
  const limit = stage === 'advertise' ? tokenTolerance : tokenLifetime;
  if (age > limit)
    return `the token is ${age} s old, it is good for ${limit} s: sign a new one, or check your clock`;
  if (tagsNamed(event, 'expiration').length === 0) return undefined;
  const expiration = expirationOf(event);
  if (expiration === undefined) return 'the expiration tag of the token is not a number of seconds';
  return now >= expiration ? 'the token has expired: sign a new one' : undefined;
}

/**
 * A token to sign for a repository.
 * @param now seconds
 * @param expiration seconds; when it shall end before its lifetime does
 */
export function tokenTemplate(repositoryUrl: string, now: number, expiration?: number): EventTemplate {
  const tags: Tag[] = [
    ['u', repositoryUrl],
    // NIP-98 wants a method; GRASP-08 settles on this one for tokens of whole repositories.
    ['method', 'GET'],
  ];
  if (expiration !== undefined) tags.push(['expiration', String(expiration)]);
  return { kind: kinds.httpAuth, created_at: now, tags, content: '' };
}

/** A signed token as it travels, behind `Nostr ` or as a Basic password: JSON in standard base64. */
export function encodeToken(event: NostrEvent): string {
  return Buffer.from(encodeEvent(event)).toString('base64');
}
