import { type AccessFacts, decideAccess, roleOf } from '../../policy/push-access.ts';
import type { AccessMode } from '../../policy/push-entry.ts';
import type { RepositoryState } from '../../repository/manifest.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';

/** What the sender of a request may do in a project. */
export interface ProjectRights {
  /** Clone and pull. */
  readonly read: boolean;
  /** Push. */
  readonly write: boolean;
  /** See and send private artifacts. */
  readonly privateArtifacts: boolean;
  /** Send unversioned files. */
  readonly unversioned: boolean;
}

/** Access to a Fossil repository: the keys in its announcements. */
export function projectFacts(
  { owner }: RepositoryId,
  { policy }: Pick<RepositoryState, 'policy'>,
): AccessFacts {
  const { writers, private: isPrivate, readers } = policy;
  return { owner, writers, private: isPrivate, readers };
}

/** The keys that have more rights than anybody. Only these get passwords. */
export function keysWithRights({ owner, writers, readers }: AccessFacts): readonly string[] {
  return [owner, ...writers, ...readers];
}

/**
 * What a key may do: readers clone and pull, private artifacts included; writers push, unversioned files included.
 * @param key undefined for a client that has proven none
 */
export function projectRights(mode: AccessMode, key: string | undefined, facts: AccessFacts): ProjectRights {
  const mayRead = mode === 'open' || decideAccess('read', key, facts).allow;
  const mayWrite = mode === 'open' || (mode === 'signed' && decideAccess('push', key, facts).allow);
  const role = roleOf(key, facts);
  return {
    read: mayRead,
    write: mayRead && mayWrite,
    privateArtifacts: role === 'owner' || role === 'maintainer' || role === 'reader',
    unversioned: mayRead && mayWrite,
  };
}
