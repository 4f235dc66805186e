import { ChangedFilesReader } from '../git/index.ts';
import { listDifferences } from '../git-process/browse-commands.ts';
import { firstBytes } from './first-bytes.ts';
import { type FoundCommit, readCommit } from './objects.ts';
import { joinPath, splitPath } from './paths.ts';
import type { RepositoryView } from './repository-view.ts';

/** Where the history of a file continues. */
export interface Renamed {
  /** The commit in which it still has its old name. */
  readonly commit: string;
  /** The old path. */
  readonly path: readonly Buffer[];
}

/** Bytes of a list of changed files in which a rename is searched: some 1,500 files. */
const MOST_LISTED = 256 * 1024;
const MOST_FILES = 5_000;

/**
 * Finds out whether the commit that a path's history begins with renamed it, as `git log --follow` does.
 * @returns undefined if it did not, for folders, and if too many files changed to search it
 * @throws CairnError `unavailable` when git fails
 */
export async function findRename(
  view: RepositoryView,
  { commit }: FoundCommit,
  path: readonly Buffer[],
): Promise<Renamed | undefined> {
  const [parent] = commit.parents;
  if (parent === undefined || path.length === 0) return undefined;
  const before = (await readCommit(view, parent)).commit.tree;
  const command = listDifferences(await view.gitDir());
  const { output, complete } = await firstBytes(view, command, `${before} ${commit.tree}\n`, MOST_LISTED);
  if (!complete) return undefined;
  const reader = new ChangedFilesReader(0, MOST_FILES);
  reader.push(output);
  const whole = joinPath(path);
  const found = reader.files.find(({ status, newPath }) => status === 'renamed' && newPath.equals(whole));
  if (found === undefined) return undefined;
  return { commit: parent, path: splitPath(found.oldPath) };
}
