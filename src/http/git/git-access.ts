/** Authentication of git requests, and the authority of pushes. */
import type { Clock } from '../../lib/clock.ts';
import { CairnError } from '../../lib/errors.ts';
import { readCredential } from '../../nostr/http-credential.ts';
import { checkToken } from '../../nostr/nip98.ts';
import { repositoryUrls } from '../../nostr/repository-url.ts';
import type { Verifier } from '../../nostr/verify.ts';
import { type AccessMode, decidePushEntry, type UrlSpace } from '../../policy/push-entry.ts';
import type { PublishedGitState } from '../../repository/git/git-manifest.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import type { PushAuthority } from '../../transfer/push/authority.ts';
import { admitReader, isPublic } from '../../transfer/repository-access.ts';

export interface GitAccessContext {
  readonly access: AccessMode;
  /** Public base URL of the service, without a slash at its end: tokens are signed for URLs below it. */
  readonly base: string;
  readonly verifier: Verifier;
  readonly clock: Clock;
}

/** The parts of a request that authenticate its sender. */
export interface GitSender {
  readonly id: RepositoryId;
  readonly space: UrlSpace;
  /** The value of the `Authorization` header. */
  readonly authorization: string | undefined;
  /** `advertise` for info/refs, where git presents a fresh token; `receive` for the POSTs that follow. */
  readonly stage: 'advertise' | 'receive';
}

/** An authenticated key: it has signed a token for the repository. `token` is the id of that token. */
export interface Caller {
  readonly actor: string;
  readonly token: string;
}

/**
 * Authenticates a request by its token.
 * @returns undefined if it has no token
 * @throws CairnError `unauthenticated` with the reason if the token is not valid here and now
 */
export function identify(context: GitAccessContext, sender: GitSender): Caller | undefined {
  const credential = readCredential(sender.authorization);
  if (credential.kind === 'none') return undefined;
  if (credential.kind === 'unusable') throw unauthenticated(credential.reason);
  const { event } = credential;
  if (!context.verifier.verify(event))
    throw unauthenticated('the signature of the token is invalid: the token was changed, or is damaged');
  const token = checkToken(event, {
    repositoryUrls: repositoryUrls(context.base, sender.id.owner, sender.id.identifier),
    now: Math.floor(context.clock.now() / 1000),
    stage: sender.stage,
  });
  if (!token.ok) throw unauthenticated(token.reason);
  return { actor: token.actor, token: token.tokenId };
}

/**
 * Returns a function that checks whether the sender of a request may read a state, and returns that state or throws. For a
 * public repository, the sender is not authenticated.
 */
export function readerOf(
  context: GitAccessContext,
  sender: GitSender,
): (state: PublishedGitState | undefined) => PublishedGitState {
  return (state) => {
    if (state !== undefined && isPublic(state.manifest)) return state;
    if (context.access !== 'open') return admitReader(sender.id, identify(context, sender)?.actor, state);
    if (state !== undefined && state.manifest.lifecycle !== 'withdrawn') return state;
    throw new CairnError('not-found', 'repository not found');
  };
}

/**
 * The authority of a push.
 * @throws CairnError `unauthenticated` or `forbidden` if it has none, the same whether the repository exists or not
 */
export function authorityOf(context: GitAccessContext, sender: GitSender): PushAuthority {
  // If the sender makes no difference, the token is not checked.
  const caller = context.access === 'signed' ? identify(context, sender) : undefined;
  const entry = decidePushEntry(context.access, sender.space, caller !== undefined);
  if (!entry.allow) throw new CairnError(entry.answer, entry.reason);
  if (entry.by === 'anyone') return { kind: 'anyone' };
  if (entry.by === 'signed-state')
    return { kind: 'signed-state', ...(caller === undefined ? {} : { caller }) };
  if (caller === undefined) throw new TypeError('a push by a key needs one');
  return { kind: 'key', ...caller };
}

function unauthenticated(reason: string): CairnError {
  return new CairnError('unauthenticated', reason);
}
