import type { ReceivedCommand } from '../../git/index.ts';
import { isBranch } from '../../git/index.ts';
import type { QuarantinePaths } from '../../git-process/commands.ts';
import type { Git } from '../../git-process/git.ts';
import { inspectObjects, isFastForward } from '../../git-process/inspect-objects.ts';

/**
 * Whether an update of a ref is a fast-forward; false if an object is not a commit. A publish waits for the answer, so it
 * does not stop when the client has gone.
 * @throws CairnError `unavailable` if git fails
 */
export async function keepsHistory(
  git: Git,
  paths: QuarantinePaths,
  { name, oldId, newId }: ReceivedCommand,
): Promise<boolean> {
  const { signal } = new AbortController();
  if (!isBranch(name)) {
    const facts = await inspectObjects(git, paths, [oldId, newId], signal);
    if (facts.get(oldId)?.type !== 'commit' || facts.get(newId)?.type !== 'commit') return false;
  }
  return isFastForward(git, paths, oldId, newId, signal);
}
