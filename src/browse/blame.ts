import { type BlamedCommit, type BlameGroup, parseBlame } from '../git/index.ts';
import { blameLines } from '../git-process/browse-commands.ts';
import { failureReason } from '../git-process/result.ts';
import { CairnError } from '../lib/errors.ts';
import { mailmapOf } from './mailmap.ts';
import { joinPath } from './paths.ts';
import type { RepositoryView } from './repository-view.ts';

/** Where the lines of a file come from. */
export interface Blame {
  /** In the order of the file. Lines that were not found out in time are in none of them. */
  readonly groups: readonly BlameGroup[];
  /** The commits of the groups, by id. Their authors have the names of the mailmap. */
  readonly commits: ReadonlyMap<string, BlamedCommit>;
  /** Whether all lines are in a group. */
  readonly complete: boolean;
}

/** Most bytes of what git says that are read; it repeats the first lines of messages. */
const MOST_BYTES = 8 * 1024 * 1024;

/**
 * Finds out which commit each line of a file comes from. No commit is ignored.
 * @param commit a whole object id
 * @param path of a file that is in this commit
 * @param lines how many lines of it, from the first one
 * @param timeLimit milliseconds; what is not known by then is left out
 * @throws CairnError `unavailable` when git fails
 */
export async function readBlame(
  view: RepositoryView,
  commit: string,
  path: readonly Buffer[],
  lines: number,
  timeLimit: number,
): Promise<Blame> {
  // git takes line 1 of an empty file for a mistake.
  if (lines === 0) return { groups: [], commits: new Map(), complete: true };
  const result = await view.git.brief(blameLines(await view.gitDir(), commit, joinPath(path), lines), {
    signal: AbortSignal.any([view.signal, AbortSignal.timeout(timeLimit)]),
    keepOutput: MOST_BYTES,
  });
  view.signal.throwIfAborted();
  // Stopped at the limit of time, it has told a part.
  if (result.cancelled) view.onCut?.();
  if (result.exitCode !== 0 && !result.cancelled)
    throw new CairnError('unavailable', failureReason('blame', result));
  const { groups, commits } = parseBlame(result.stdout);
  const mailmap = await mailmapOf(view);
  for (const [oid, said] of commits) commits.set(oid, { ...said, author: mailmap.apply(said.author) });
  groups.sort((a, b) => a.first - b.first);
  const known = groups.reduce((sum, { count }) => sum + count, 0);
  return { groups, commits, complete: known >= lines };
}
