/** Who may do what to a repository in the state it is in: its manifest's facts, put to the policy. */
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

/** What a state says of keys; undefined when the repository is not there, or no more. */
export function accessFacts(id: RepositoryId, state: RepositoryState | undefined): AccessFacts | undefined {
  if (state === undefined || state.lifecycle === 'withdrawn') return undefined;
  const { writers, private: isPrivate, readers } = state.policy;
  return { owner: id.owner, writers, private: isPrivate, readers };
}

/** True for a repository that is there for anyone to read. */
export function isPublic(state: RepositoryState | undefined): boolean {
  return state !== undefined && state.lifecycle !== 'withdrawn' && !state.policy.private;
}

/**
 * Lets somebody read.
 * @param actor the key that has shown itself; undefined for nobody
 * @returns the state, which is there
 * @throws CairnError `unauthenticated` or `not-found`, the same for what is private and what is not there
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
 * Decides whether a push may go on to this repository. That of a key needs the right to write; one that carries out an
 * order needs to be let see the repository.
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
      return decideAccess('push', authority.actor, facts);
    case 'order':
      return decideAccess('read', authority.caller?.actor, facts);
  }
}

/** A refusal, as an error to be told. */
export function accessError(access: Access & { readonly allow: false }): CairnError {
  return new CairnError(KINDS[access.answer], access.reason);
}
