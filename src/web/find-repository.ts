import { decideAccess } from '../policy/push-access.ts';
import type { PublishedFossilState } from '../repository/fossil/fossil-manifest.ts';
import type { FossilRepository } from '../repository/fossil/fossil-repository.ts';
import type { PublishedGitState } from '../repository/git/git-manifest.ts';
import type { GitRepository } from '../repository/git/git-repository.ts';
import type { RepositoryState } from '../repository/manifest.ts';
import type { Repositories } from '../repository/repositories.ts';
import type { RepositoryId } from '../repository/repository-id.ts';
import { accessFacts, isPublic } from '../transfer/repository-access.ts';
import type { Reader } from './session/page-readers.ts';

/** Milliseconds for which a look at a public repository suffices. */
const RECENT = 1_000;

/** Somebody who may read a repository. */
export interface Visit {
  /** Whether everybody may read it. If not, no shared cache may keep the answer, and no other visitor may get it. */
  readonly isPublic: boolean;
  /** The key of the visitor, where not everybody may read it. */
  readonly reader?: string;
}

/** A repository that the visitor may read. */
export interface FoundRepository extends Visit {
  readonly id: RepositoryId;
  readonly repository: GitRepository;
  readonly published: PublishedGitState;
}

/** The state of a Fossil repository that the visitor may read. */
export interface FoundFossil extends Visit {
  readonly id: RepositoryId;
  readonly published: PublishedFossilState;
}

/**
 * Finds a git repository for a visitor. A repository that the visitor may not read and a missing one are the same.
 * @param readerOf identifies the visitor; not called for public repositories
 */
export async function findRepository(
  repositories: Pick<Repositories, 'get'>,
  id: RepositoryId,
  readerOf: Reader,
): Promise<FoundRepository | undefined> {
  const repository = repositories.get(id);
  const published = await stateOf(repository);
  const visit = await admit(id, published?.manifest, readerOf);
  return visit === undefined || published === undefined ? undefined : { ...visit, id, repository, published };
}

/** The same for a Fossil repository. */
export async function findFossil(
  repositories: { get(id: RepositoryId): Pick<FossilRepository, 'peek' | 'resolve'> },
  id: RepositoryId,
  readerOf: Reader,
): Promise<FoundFossil | undefined> {
  const published = await stateOf(repositories.get(id));
  const visit = await admit(id, published?.manifest, readerOf);
  return visit === undefined || published === undefined ? undefined : { ...visit, id, published };
}

/**
 * A git repository that everybody may read and that was looked at just now: what {@link findRepository} finds without a request to the
 * store.
 */
export async function recentRepository(
  repositories: Pick<Repositories, 'get'>,
  id: RepositoryId,
): Promise<FoundRepository | undefined> {
  const repository = repositories.get(id);
  return seenByAll(id, repository, await repository.peek(RECENT));
}

/**
 * The state of a git repository that everybody could read when it was last seen here, however long ago: what {@link findRepository}
 * most likely finds. Nothing of it may be shown before that has found the same.
 */
export async function lastSeenRepository(
  repositories: Pick<Repositories, 'get'>,
  id: RepositoryId,
): Promise<FoundRepository | undefined> {
  const repository = repositories.get(id);
  return seenByAll(id, repository, await repository.peek(Number.POSITIVE_INFINITY));
}

/** The state of a repository, if everybody may read it. */
function seenByAll(
  id: RepositoryId,
  repository: GitRepository,
  published: PublishedGitState | undefined,
): FoundRepository | undefined {
  if (published === undefined) return undefined;
  const { allow } = decideAccess('read', undefined, accessFacts(id, published.manifest));
  return allow ? { isPublic: true, id, repository, published } : undefined;
}

/**
 * The published state. Of a public repository a recent look suffices, as it does for fetches: a visitor opens page after page, and
 * asks for the files that they show. What this server publishes itself is seen at once.
 */
async function stateOf<S extends { readonly manifest: RepositoryState }>(repository: {
  peek(maxAge: number): Promise<S | undefined>;
  resolve(): Promise<S | undefined>;
}): Promise<S | undefined> {
  const recent = await repository.peek(RECENT);
  return recent !== undefined && isPublic(recent.manifest) ? recent : repository.resolve();
}

async function admit(
  id: RepositoryId,
  state: RepositoryState | undefined,
  readerOf: Reader,
): Promise<Visit | undefined> {
  const facts = accessFacts(id, state);
  if (decideAccess('read', undefined, facts).allow) return { isPublic: true };
  // Asked whether or not there is a repository: that takes some time, which is not to tell the one from the other.
  const reader = await readerOf();
  if (reader === undefined || !decideAccess('read', reader, facts).allow) return undefined;
  return { isPublic: false, reader };
}
