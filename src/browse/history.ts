import { type CommitChoice, listCommits } from '../git-process/browse-commands.ts';
import { failureReason } from '../git-process/result.ts';
import { CairnError } from '../lib/errors.ts';
import { commitGraphOf } from './commit-graphs.ts';
import { walkHistory } from './history-walk.ts';
import { type FoundCommit, readListedCommit } from './objects.ts';
import { joinPath } from './paths.ts';
import type { RepositoryView } from './repository-view.ts';

/** A part of a history, newest first. */
export interface HistoryPage {
  readonly commits: readonly FoundCommit[];
  /** Whether there are older ones. */
  readonly more: boolean;
}

/** Commits that a page may leave out before it begins: to skip, git has to walk. */
export const MOST_SKIPPED = 1_000_000;

/** Bytes of a line with an id, of SHA-256 at most. */
const ID_LINE = 65;

/** A part of a history that is asked for. */
interface HistoryQuestion {
  readonly from: readonly string[];
  readonly except?: readonly string[];
  readonly path?: readonly Buffer[];
  readonly count: number;
  readonly skip: number;
  readonly choice?: CommitChoice;
}

/**
 * Lists commits, in git's order.
 * @param question `from`: ids of commits; those that they reach are listed. `except`: ids of commits; what these reach is left out.
 *   `path`: if not empty, only commits that change something there; names with line feeds cannot be asked for. `choice`: which of
 *   them; all if absent
 * @throws CairnError `unavailable` when git fails, `not-found` for a commit that is missing
 */
export async function listHistory(view: RepositoryView, question: HistoryQuestion): Promise<HistoryPage> {
  const { count, skip } = question;
  const part = { ...question, count: count + 1, skip: Math.min(skip, MOST_SKIPPED) };
  const ids = (await walkedIds(view, part)) ?? (await listedIds(view, part));
  const commits = await Promise.all(ids.slice(0, count).map((oid) => readListedCommit(view, oid)));
  return { commits, more: ids.length > count };
}

/** Whole histories of one commit need no process. @returns undefined for others, and for what takes a walk too much */
async function walkedIds(view: RepositoryView, question: HistoryQuestion): Promise<string[] | undefined> {
  const { from, except = [], path = [], count, skip, choice = {} } = question;
  const [tip = '', ...others] = from;
  const isWhole = others.length + except.length + path.length === 0;
  if (!isWhole || choice.since !== undefined || choice.until !== undefined) return undefined;
  const part = { firstParent: choice.firstParent === true, skip, count };
  return walkHistory(view, await commitGraphOf(view), tip, part);
}

async function listedIds(view: RepositoryView, question: HistoryQuestion): Promise<string[]> {
  const { from, except = [], path = [], count, skip, choice } = question;
  const command = listCommits(await view.gitDir(), isAscii(path), count, skip, choice);
  const result = await view.git.brief(command, {
    input: startOfWalk(from, except, path),
    signal: view.signal,
    keepOutput: count * ID_LINE,
  });
  view.signal.throwIfAborted();
  if (result.exitCode !== 0) throw new CairnError('unavailable', failureReason('rev-list', result));
  return result.stdout
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '');
}

/** Whether git's filters of changed paths can be used for a path: see `browse-commands.ts`. */
export function isAscii(path: readonly Buffer[]): boolean {
  return path.every((name) => name.every((byte) => byte < 0x80));
}

/** Whether the history of a path can be asked for: git reads the path from a line. */
export function hasHistory(path: readonly Buffer[]): boolean {
  return !path.some((name) => name.includes(0x0a));
}

/**
 * The input of a walk. git reads a path from each line, literally.
 * @throws CairnError `not-found` for what can be no path in git, and for a path with a line feed
 */
export function startOfWalk(
  from: readonly string[],
  except: readonly string[],
  path: readonly Buffer[],
): Buffer {
  const start = [...from, ...except.map((oid) => `^${oid}`)].map((line) => `${line}\n`).join('');
  if (path.length === 0) return Buffer.from(start);
  const line = joinPath(path);
  if (line.includes(0x0a)) {
    throw new CairnError('not-found', 'the history of a path with a line feed in its name cannot be shown');
  }
  // git would take them for ways through folders, and refuse those that lead out of the repository.
  if (path.some((name) => ['', '.', '..'].includes(name.toString('latin1')))) {
    throw new CairnError('not-found', 'no file has this path');
  }
  return Buffer.concat([Buffer.from(`${start}--\n`), line, Buffer.from('\n')]);
}
