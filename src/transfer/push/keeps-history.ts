import type { ReceivedCommand } from '../../git/index.ts';
import { isBranch } from '../../git/index.ts';
import type { QuarantinePaths } from '../../git-process/commands.ts';
import type { Git } from '../../git-process/git.ts';
import { inspectObjects, isFastForward } from '../../git-process/inspect-objects.ts';

/**
 * Whether an update of a ref is a fast-forward. Between other things than commits there is none. It is asked about while a
 * publish waits for it, whether its sender is still there or not.
 * @throws CairnError `unavailable` when git cannot say
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
