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
  if (one === other) return one;
  const result = await view.git.brief(findMergeBase(await view.gitDir(), one, other), {
    signal: view.signal,
  });
  view.signal.throwIfAborted();
  // No output, and no complaint: nothing in common.
  if (result.exitCode === 1 && result.stdout.length === 0) return undefined;
  if (result.exitCode !== 0) throw new CairnError('unavailable', failureReason('merge-base', result));
  return result.stdout.toString('latin1').trim();
}
