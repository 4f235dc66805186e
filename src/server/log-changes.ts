import type { Logger } from '../observability/logger.ts';
import type { GitManifest } from '../repository/git/git-manifest.ts';
import { formatRepositoryId, type RepositoryId } from '../repository/repository-id.ts';

/** Refs that a line names. */
const LISTED = 10;

/**
 * A line for everything that a publish of this server has changed in a repository, by whatever caused it. Pushes and folds have
 * lines of their own, which say more.
 */
export function logChanges(log: Logger, id: RepositoryId, manifest: GitManifest): void {
  for (const { kind, actor, evidence, refs } of manifest.causes) {
    const about = { repository: formatRepositoryId(id), actor, evidence };
    const changed = { refs: refs.slice(0, LISTED), count: refs.length };
    if (kind === 'announce') log.info({ ...about, state: manifest.lifecycle }, 'announced');
    else if (kind === 'withdraw') log.info({ ...about, ...changed }, 'withdrawn');
    else if (kind === 'order') log.info({ ...about, ...changed }, 'signed state carried out');
    else if (kind !== 'push' && kind !== 'fold')
      log.info({ ...about, kind, ...changed }, 'changed by the operator');
  }
}
