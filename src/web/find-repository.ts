import { decideAccess } from '../policy/push-access.ts';
import type { PublishedGitState } from '../repository/git/git-manifest.ts';
import type { GitRepository } from '../repository/git/git-repository.ts';
import type { Repositories } from '../repository/repositories.ts';
import type { RepositoryId } from '../repository/repository-id.ts';

/** A repository that the visitor may read. */
export interface FoundRepository {
  readonly id: RepositoryId;
  readonly repository: GitRepository;
  readonly published: PublishedGitState;
  /** Whether everybody may read it. If not, no shared cache may keep the answer, and no other visitor may get it. */
  readonly isPublic: boolean;
}

/**
 * Finds a git repository for a visitor. A repository that the visitor may not read and a missing one are the same.
 * @param reader key of the visitor who has signed in
 */
export async function findRepository(
  repositories: Pick<Repositories, 'get'>,
  id: RepositoryId,
  reader: string | undefined,
): Promise<FoundRepository | undefined> {
  const repository = repositories.get(id);
  const published = await repository.resolve();
  if (published === undefined || published.manifest.lifecycle === 'withdrawn') return undefined;
  const facts = { owner: id.owner, ...published.manifest.policy };
  const isPublic = decideAccess('read', undefined, facts).allow;
  if (!isPublic && !decideAccess('read', reader, facts).allow) return undefined;
  return { id, repository, published, isPublic };
}
