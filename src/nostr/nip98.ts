/**
 * Tokens for git requests: NIP-98 events, adapted to git. Git asks its credential helper once. The helper gets host and path,
 * but neither service nor method, and git sends the same credential with info/refs and every POST after it. So a token names
 * the repository and not the request: its `method` and `payload` are not checked.
 */
import { type EventTemplate, encodeEvent, type NostrEvent, type Tag, type VerifiedEvent } from './event.ts';
import { expirationOf } from './expiration.ts';
import { kinds } from './kinds.ts';
import { type Refused, refused } from './parsed.ts';
import { canonicalRepositoryUrl } from './repository-url.ts';
import { firstValue, tagsNamed } from './tags.ts';

/** How many seconds a token may be old when git first presents it, and how many it may be dated ahead at any time. */
export const tokenTolerance = 60;

/**
 * After how many seconds a token is too old for a POST. Git sends the POST only after it has compressed the pack, which may
 * take minutes after info/refs, and gives up if the credential is refused then.
 */
export const tokenLifetime = 15 * 60;

export interface TokenContext {
  /** Every URL of the requested repository; `.git` at the end makes no difference. */
  readonly repositoryUrls: readonly string[];
  /** Seconds. */
  readonly now: number;
  /** `advertise` for info/refs, to which git sends a fresh token; `receive` for the POSTs that follow. */
  readonly stage: 'advertise' | 'receive';
}

/** The key and the id of a token: the cause of a push records both. */
export interface TokenAccepted {
  readonly ok: true;
  readonly actor: string;
  readonly tokenId: string;
}

/** Decides whether a token with a valid signature is valid for a repository now. */
export function checkToken(event: VerifiedEvent, context: TokenContext): TokenAccepted | Refused {
  if (event.kind !== kinds.httpAuth) {
    return refused(`the token is an event of kind ${event.kind}, it must be ${kinds.httpAuth} (NIP-98)`);
  }
  const problem = urlProblem(event, context.repositoryUrls) ?? timeProblem(event, context);
  return problem === undefined ? { ok: true, actor: event.pubkey, tokenId: event.id } : refused(problem);
}

function urlProblem(event: NostrEvent, repositoryUrls: readonly string[]): string | undefined {
  // With two u tags the signer might have seen one and the server use the other.
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
 * @param expiration seconds; if it is to end before its lifetime
 */
export function tokenTemplate(repositoryUrl: string, now: number, expiration?: number): EventTemplate {
  const tags: Tag[] = [
    ['u', repositoryUrl],
    // NIP-98 requires a method; GRASP-08 fixes this one for tokens of whole repositories.
    ['method', 'GET'],
  ];
  if (expiration !== undefined) tags.push(['expiration', String(expiration)]);
  return { kind: kinds.httpAuth, created_at: now, tags, content: '' };
}

/** A signed token as it is sent, after `Nostr ` or as a Basic password: JSON in standard base64. */
export function encodeToken(event: NostrEvent): string {
  return Buffer.from(encodeEvent(event)).toString('base64');
}
