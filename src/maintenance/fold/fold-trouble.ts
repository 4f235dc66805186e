import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../observability/logger.ts';
import { formatRepositoryId, type RepositoryId } from '../../repository/repository-id.ts';

/** Logs failures of steps that a fold can do without, such as its lease or the cache. */
export function foldTrouble(log: Logger): (id: RepositoryId, error: unknown) => void {
  return (id, error) =>
    log.warn(
      { repository: formatRepositoryId(id), problem: messageOf(error) },
      'a step of a fold failed, the fold continues',
    );
}
