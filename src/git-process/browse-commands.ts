/**
 * The git commands behind pages. As in `commands.ts`, what a visitor sent goes through standard input; object ids among the
 * arguments are checked to be hex digits. All of them have lower priority than pushes and fetches.
 */
import { checkedObjectId, EMPTY_TREE, type GitCommand } from './commands.ts';

/** Above 0, so that a crawler does not slow down pushes and clones. */
export const NICENESS = 5;

/** Reads `info <oid>` and `contents <oid>` from standard input, and answers each at once. */
export function answerQuestions(gitDir: string): GitCommand {
  return {
    name: 'cat-file',
    args: ['--batch-command'],
    variables: { GIT_DIR: gitDir },
    niceness: NICENESS,
  };
}

/**
 * Prints one object, whose id comes from standard input, behind a line `<oid> <type> <size>`. For large files: the others
 * are read by a process that stays.
 */
export function printObject(gitDir: string): GitCommand {
  return { name: 'cat-file', args: ['--batch'], variables: { GIT_DIR: gitDir }, niceness: NICENESS };
}

/** Which commits of a history count. */
export interface CommitChoice {
  /** Whether only first parents of merges are followed. */
  readonly firstParent?: boolean;
  /** Seconds since 1970, between which the committer's date lies, both included. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** The options of git for a choice of commits. Dates are numbers, in a form that git does not guess. */
export function choiceOptions({ firstParent = false, since, until }: CommitChoice): string[] {
  return [
    ...(firstParent ? ['--first-parent'] : []),
    ...(since === undefined ? [] : [`--since=@${wholeSeconds(since)} +0000`]),
    ...(until === undefined ? [] : [`--until=@${wholeSeconds(until)} +0000`]),
  ];
}

/** git has no dates before 1970. */
function wholeSeconds(seconds: number): number {
  return Math.max(0, Math.trunc(seconds));
}

/**
 * Prints ids of commits, newest first: those that the ids on standard input reach, and those with a `^` do not. Behind a
 * line `--` may come a path: then only commits that change something there.
 * @param isAscii as for {@link listChanges}
 * @param count how many at most
 * @param skip how many to leave out before them
 */
export function listCommits(
  gitDir: string,
  isAscii: boolean,
  count: number,
  skip: number,
  choice: CommitChoice = {},
): GitCommand {
  return {
    name: 'rev-list',
    config: [['commitGraph.readChangedPaths', String(isAscii)]],
    args: [`--max-count=${count}`, `--skip=${skip}`, ...choiceOptions(choice), '--stdin'],
    // Otherwise git flushes its output after every commit.
    variables: { GIT_DIR: gitDir, GIT_FLUSH: '0', GIT_LITERAL_PATHSPECS: '1' },
    niceness: NICENESS,
  };
}

/**
 * Prints the commits that change something below a folder, newest first, each as NUL, its id, NUL and the changed paths, each
 * with a NUL. Reads like {@link listCommits}. The caller stops it once it knows enough.
 * @param isAscii whether the path has ASCII characters alone. Otherwise git does not use the filters of changed paths: before
 *   2.46 it computes other ones for such paths on processors whose characters have no sign
 * @param count of commits at most; undefined for all of them
 */
export function listChanges(gitDir: string, isAscii: boolean, count?: number): GitCommand {
  return {
    name: 'log',
    args: [
      '--format=tformat:%x00%H',
      '--name-only',
      '-z',
      '--no-renames',
      '-c',
      ...(count === undefined ? [] : [`--max-count=${count}`]),
      '--stdin',
    ],
    config: [['commitGraph.readChangedPaths', String(isAscii)]],
    variables: { GIT_DIR: gitDir, GIT_LITERAL_PATHSPECS: '1' },
    niceness: NICENESS,
  };
}

/** Similarity in percent from which an added and a deleted file are a rename, and how many are compared at most. */
export const RENAMES = ['-M50%', '-l400'];

/** Larger files are compared as binary ones: to compare lines, git holds both files and tables of their lines. */
const COMPARED_SIZE = ['core.bigFileThreshold', '16m'] as const;

/**
 * Differences depend on what is compared, and not on attributes that the default branch happens to have: git from 2.43 to 2.45
 * reads those of HEAD in a bare repository unless another tree is named. Where there is no such tree, none count.
 */
export const NO_ATTRIBUTES = ['attr.tree', EMPTY_TREE.sha1] as const;

/** How two trees or files are compared. */
export interface ComparisonOptions {
  /** Whether lines are the same that differ in white space only. */
  readonly ignoreSpace?: boolean;
}

function spaceOption({ ignoreSpace }: ComparisonOptions): string[] {
  return ignoreSpace === true ? ['--ignore-all-space'] : [];
}

/**
 * Compares the two trees whose ids come from standard input, on one line. Prints both ids, then for each changed file what
 * `--raw` says, then for each `--numstat`, all ended by NUL.
 */
export function listDifferences(gitDir: string, options: ComparisonOptions = {}): GitCommand {
  return {
    name: 'diff-tree',
    args: [
      '--stdin',
      '-r',
      '-z',
      '--raw',
      '--numstat',
      '--full-index',
      '--abbrev=64',
      ...spaceOption(options),
      ...RENAMES,
    ],
    config: [COMPARED_SIZE, NO_ATTRIBUTES],
    variables: { GIT_DIR: gitDir },
    niceness: NICENESS,
  };
}

/** Compares the two trees whose ids come from standard input, on one line, as a unified diff. */
export function printPatch(gitDir: string, options: ComparisonOptions = {}): GitCommand {
  return {
    name: 'diff-tree',
    args: ['--stdin', '-r', '-p', '-U3', '--full-index', '--no-color', ...spaceOption(options), ...RENAMES],
    config: [COMPARED_SIZE, NO_ATTRIBUTES],
    variables: { GIT_DIR: gitDir },
    niceness: NICENESS,
  };
}

/**
 * Compares pairs of trees whose ids come from standard input, each on one line. Prints for each what {@link listDifferences}
 * prints, an empty field, and what {@link printPatch} prints. Repeats lines that are no ids, and flushes its output then.
 */
export function answerComparisons(gitDir: string): GitCommand {
  const { args } = listDifferences(gitDir);
  return { ...printPatch(gitDir), args: [...args, '-p', '-U3', '--no-color'] };
}

/** Compares two files as a unified diff. @param from and @param to whole object ids in hex */
export function compareBlobs(
  gitDir: string,
  from: string,
  to: string,
  options: ComparisonOptions = {},
): GitCommand {
  const fixed = ['--no-color', '--no-ext-diff', '--no-textconv', '-U3'];
  return {
    name: 'diff',
    args: [...fixed, ...spaceOption(options), checkedObjectId(from), checkedObjectId(to)],
    config: [COMPARED_SIZE, NO_ATTRIBUTES],
    variables: { GIT_DIR: gitDir },
    niceness: NICENESS,
  };
}

/**
 * Prints which commits the lines of a file come from, each as soon as it is known.
 * @param commit a whole object id in hex
 * @param path a file in it
 * @param lines how many at most; there must be one at least
 */
export function blameLines(gitDir: string, commit: string, path: Uint8Array, lines: number): GitCommand {
  return {
    name: 'blame',
    args: ['--incremental', `-L1,${lines}`, checkedObjectId(commit), '--'],
    path,
    config: [
      // As for listChanges.
      ['commitGraph.readChangedPaths', String(path.every((byte) => byte < 0x80))],
      // Pages have a mailmap of their own, and one that was replaced twice would be wrong. No ref has a space in its name.
      ['mailmap.blob', 'no mailmap'],
    ],
    variables: { GIT_DIR: gitDir, GIT_LITERAL_PATHSPECS: '1' },
    niceness: NICENESS,
  };
}
