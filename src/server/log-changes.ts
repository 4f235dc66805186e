import type { Logger } from '../observability/logger.ts';
import type { FossilManifest } from '../repository/fossil/fossil-manifest.ts';
import type { GitManifest } from '../repository/git/git-manifest.ts';
import { formatRepositoryId, type RepositoryId } from '../repository/repository-id.ts';

/** Most refs that a log line names. */
const LISTED = 10;

/**
 * Logs a line for each change that a publish of this server made in a repository. Pushes and folds have more detailed
 * lines of their own.
 */
export function logChanges(log: Logger, id: RepositoryId, manifest: GitManifest): void {
  for (const { kind, actor, evidence, refs } of manifest.causes) {
    const about = { repository: formatRepositoryId(id), actor, evidence };
    const changed = { refs: refs.slice(0, LISTED), count: refs.length };
    if (kind === 'announce') log.info({ ...about, state: manifest.lifecycle }, 'announced');
    else if (kind === 'withdraw') log.info({ ...about, ...changed }, 'withdrawn');
    else if (kind === 'order') log.info({ ...about, ...changed }, 'signed state applied');
    else if (kind !== 'push' && kind !== 'fold')
      log.info({ ...about, kind, ...changed }, 'changed by the operator');
  }
}

/** The same for a Fossil repository, pushes included. */
export function logFossilChanges(log: Logger, id: RepositoryId, manifest: FossilManifest): void {
  for (const { kind, actor, evidence, artifacts, unversioned } of manifest.causes) {
    const about = { repository: formatRepositoryId(id), actor, evidence };
    if (kind === 'announce') log.info({ ...about, state: manifest.lifecycle }, 'announced');
    else if (kind === 'withdraw') log.info(about, 'withdrawn');
    else if (kind === 'configure') log.info(about, 'fossil repository configured');
    else if (kind !== 'fold') log.info({ ...about, kind, artifacts, unversioned }, 'artifacts published');
  }
}
