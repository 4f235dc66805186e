import { failureReason } from '../git-process/result.ts';
import { findMergeBase } from '../git-process/walk-commands.ts';
import { CairnError } from '../lib/errors.ts';
import type { RepositoryView } from './repository-view.ts';

/**
 * Finds the best common ancestor of two commits that are here.
 * @returns undefined if they have none
 * @throws CairnError `unavailable` when git fails
 */
export async function mergeBase(
  view: RepositoryView,
  one: string,
  other: string,
): Promise<string | undefined> {
  const result = await view.git.run(findMergeBase(view.gitDir, one, other), { signal: view.signal });
  view.signal.throwIfAborted();
  const found = result.stdout.toString('latin1').split('\n', 1)[0] ?? '';
  if (result.exitCode === 0 && found !== '') return found;
  if (result.exitCode === 1) return undefined;
  throw new CairnError('unavailable', failureReason('merge-base', result));
}
