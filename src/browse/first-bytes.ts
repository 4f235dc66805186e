import type { GitCommand } from '../git-process/commands.ts';
import { failureReason, ranOutOfMemory } from '../git-process/result.ts';
import { CairnError } from '../lib/errors.ts';
import type { RepositoryView } from './repository-view.ts';

/**
 * Reads the beginning of a command's output; then git is ended. What git has printed before it ran out of memory counts.
 * @param most bytes
 * @throws CairnError `unavailable` when git fails; the reason of the view's signal
 */
export async function firstBytes(
  view: RepositoryView,
  command: GitCommand,
  input: string,
  most: number,
): Promise<{ readonly output: Buffer; readonly complete: boolean }> {
  const { signal } = view;
  const result = await view.git.brief(command, { input, signal, keepOutput: most, stopWhenCut: true });
  signal.throwIfAborted();
  if (result.cut || ranOutOfMemory(result)) return { output: result.stdout, complete: false };
  if (result.exitCode !== 0) throw new CairnError('unavailable', failureReason(command.name, result));
  return { output: result.stdout, complete: true };
}
