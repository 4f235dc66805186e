/** Applies the access policy to the facts of a manifest: who may do what to a repository in its current state. */
import { CairnError, type ErrorKind } from '../lib/errors.ts';
import { type Access, type AccessAnswer, type AccessFacts, decideAccess } from '../policy/push-access.ts';
import type { Manifest, PublishedState, RepositoryState } from '../repository/manifest.ts';
import type { RepositoryId } from '../repository/repository-id.ts';
import type { PushAuthority } from './push/authority.ts';

const KINDS: Readonly<Record<AccessAnswer, ErrorKind>> = {
  unauthenticated: 'unauthenticated',
  hidden: 'not-found',
  forbidden: 'forbidden',
};

/** What an owner hears who pushes before announcing: owners see all that is theirs, so it is missing for certain. */
const NOT_ANNOUNCED: Access = {
  allow: false,
  answer: 'hidden',
  reason: 'you have announced no repository of this name here: use "cairn announce" first',
};

/** The facts that access depends on; undefined if the repository does not exist or is withdrawn. */
export function accessFacts(id: RepositoryId, state: RepositoryState | undefined): AccessFacts | undefined {
  if (state === undefined || state.lifecycle === 'withdrawn') return undefined;
  const { writers, private: isPrivate, readers } = state.policy;
  return { owner: id.owner, writers, private: isPrivate, readers };
}

/** True for a repository that exists and that anyone may read. */
export function isPublic(state: RepositoryState | undefined): boolean {
  return state !== undefined && state.lifecycle !== 'withdrawn' && !state.policy.private;
}

/**
 * Checks that an actor may read a repository.
 * @param actor the authenticated key; undefined for an anonymous client
 * @returns the state
 * @throws CairnError `unauthenticated` or `not-found`, the same for private and for missing repositories
 */
export function admitReader<M extends Manifest>(
  id: RepositoryId,
  actor: string | undefined,
  state: PublishedState<M> | undefined,
): PublishedState<M> {
  const access = decideAccess('read', actor, accessFacts(id, state?.manifest));
  if (!access.allow) throw accessError(access);
  if (state === undefined) throw new TypeError('nobody may read what is not there');
  return state;
}

/**
 * Decides whether a push to this repository may continue. A push by a key needs the right to write. A push that carries out
 * a signed state only needs the right to read the repository.
 */
export function pushAccess(
  id: RepositoryId,
  authority: PushAuthority,
  state: RepositoryState | undefined,
): Access {
  const facts = accessFacts(id, state);
  switch (authority.kind) {
    case 'anyone':
      return { allow: true, role: 'anonymous' };
    case 'key':
      if (facts === undefined && authority.actor === id.owner) return NOT_ANNOUNCED;
      return decideAccess('push', authority.actor, facts);
    case 'signed-state':
      return decideAccess('read', authority.caller?.actor, facts);
  }
}

/** The error for a refusal. */
export function accessError(access: Access & { readonly allow: false }): CairnError {
  return new CairnError(KINDS[access.answer], access.reason);
}
