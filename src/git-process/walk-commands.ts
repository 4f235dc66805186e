/** The git commands behind pages of branches, tags and contributors. As in `browse-commands.ts`, ids go through standard input. */
import { type CommitChoice, choiceOptions, NICENESS } from './browse-commands.ts';
import { checkedObjectId, type GitCommand } from './commands.ts';

/**
 * Prints the commits that the ids on standard input reach, newest first, each on a line with its parents. The caller stops it
 * once it knows enough.
 */
export function listParents(gitDir: string, count: number): GitCommand {
  return {
    name: 'rev-list',
    args: ['--parents', `--max-count=${count}`, '--stdin'],
    // Otherwise git flushes its output after every commit.
    variables: { GIT_DIR: gitDir, GIT_FLUSH: '0' },
    niceness: NICENESS,
  };
}

/**
 * Prints the best common ancestor of two commits; exit code 1 if they have none. It reads no standard input.
 * @param one and @param other whole object ids in hex
 */
export function findMergeBase(gitDir: string, one: string, other: string): GitCommand {
  return {
    name: 'merge-base',
    args: [checkedObjectId(one), checkedObjectId(other)],
    variables: { GIT_DIR: gitDir },
    niceness: NICENESS,
  };
}

/**
 * Prints the whole names of branches, then those of tags, that reach a commit, each on a line. It reads no standard input.
 * @param commit a whole object id in hex
 */
export function listRefsWith(gitDir: string, commit: string): GitCommand {
  return {
    name: 'for-each-ref',
    args: [`--contains=${checkedObjectId(commit)}`, '--format=%(refname)', 'refs/heads/', 'refs/tags/'],
    variables: { GIT_DIR: gitDir },
    niceness: NICENESS,
  };
}

/** Sorts the commits on standard input, newest first; prints each as `<seconds> <oid>`. What is no commit is left out. */
export function sortByDate(gitDir: string): GitCommand {
  return {
    name: 'rev-list',
    args: ['--no-walk=sorted', '--timestamp', '--stdin'],
    variables: { GIT_DIR: gitDir, GIT_FLUSH: '0' },
    niceness: NICENESS,
  };
}

/** Parts of a commit that {@link listTexts} prints. */
const FORMATS = {
  people: '%H%x00%an%x00%ae',
  authors: '%an%x00%ae%x00%at',
  messages: '%H%x00%an%x00%ae%x00%B',
} as const;

/**
 * Prints something of each commit, newest first, as fields that NUL ends: `people`: id, author's name and address; `authors`: name,
 * address, seconds; `messages`: id, author's name and address, message. Reads ids, and perhaps `--` and a path, from standard input.
 * @param count how many commits at most
 */
export function listTexts(
  gitDir: string,
  what: keyof typeof FORMATS,
  count: number,
  choice: CommitChoice = {},
): GitCommand {
  const format = `--format=tformat:${FORMATS[what]}`;
  return {
    name: 'log',
    args: ['-z', format, `--max-count=${count}`, ...choiceOptions(choice), '--stdin'],
    variables: { GIT_DIR: gitDir, GIT_FLUSH: '0', GIT_LITERAL_PATHSPECS: '1' },
    niceness: NICENESS,
  };
}
