/** Questions to git about the objects that are reachable from some objects, in a repository that nobody else writes to. */
import type { GitCommand } from './commands.ts';
import type { Git } from './git.ts';
import { mustHaveAnswered } from './memory-limit.ts';
import type { GitResult } from './result.ts';

/** No request waits for these processes. */
const NICENESS = 10;

/** Prints the number of objects reachable from the ids on standard input, these included. It uses bitmaps if there are any. */
export function countObjectsCommand(gitDir: string, objects: number): GitCommand {
  return {
    name: 'rev-list',
    args: ['--objects', '--count', '--use-bitmap-index', '--stdin'],
    variables: { GIT_DIR: gitDir },
    niceness: NICENESS,
    objects,
  };
}

/**
 * Exit code 0 if all objects reachable from the ids on standard input are here, without a walk through commits in packs with
 * a `.keep` file. It uses no bitmap: with one, git does not check that the blobs of later commits exist.
 */
export function checkBeyondKeptCommand(gitDir: string, objects: number): GitCommand {
  return {
    name: 'rev-list',
    args: ['--objects', '--quiet', '--no-kept-objects=on-disk', '--stdin'],
    variables: { GIT_DIR: gitDir },
    niceness: NICENESS,
    objects,
  };
}

/**
 * Lists the objects reachable from the ids on standard input and not from those with `^`. A commit reachable from both that
 * is the parent of a listed one is listed with `-` before it.
 */
export function listGrownCommand(gitDir: string): GitCommand {
  return {
    name: 'rev-list',
    args: ['--objects', '--no-object-names', '--boundary', '--stdin'],
    variables: { GIT_DIR: gitDir },
  };
}

/** The objects that became reachable. */
export interface Grown {
  /** Object ids in hex: all that became reachable, and possibly some that were reachable before. */
  readonly objects: ReadonlySet<string>;
  /** Commits reachable before that are parents of listed commits, so they are certainly reachable now. */
  readonly boundary: ReadonlySet<string>;
}

/** Maximum number of listed ids. A history may contain old objects again, so more may be listed than were pushed. */
const LISTED = 20_000;

/** Objects to start from, as ids in hex, and the approximate number of objects in the repository. */
export interface ReachQuestion {
  readonly wants: readonly string[];
  readonly objects: number;
}

/**
 * Counts the objects reachable from some objects.
 * @returns undefined if one of them is missing
 * @throws CairnError `unavailable` if git cannot be run; the signal's reason if it is aborted
 */
export async function countObjects(
  git: Git,
  gitDir: string,
  { wants, objects }: ReachQuestion,
  signal: AbortSignal,
): Promise<number | undefined> {
  const result = await git.run(countObjectsCommand(gitDir, objects), { input: lines(wants), signal });
  signal.throwIfAborted();
  if (!hasSucceeded(result)) return undefined;
  const count = Number(result.stdout.toString('latin1').trim());
  return Number.isSafeInteger(count) ? count : undefined;
}

/**
 * True if all objects reachable from some objects are here, apart from those reachable only through commits in packs with a
 * `.keep` file.
 * @throws as {@link countObjects}
 */
export async function isCompleteBeyondKept(
  git: Git,
  gitDir: string,
  { wants, objects }: ReachQuestion,
  signal: AbortSignal,
): Promise<boolean> {
  const result = await git.run(checkBeyondKeptCommand(gitDir, objects), { input: lines(wants), signal });
  signal.throwIfAborted();
  return hasSucceeded(result);
}

/**
 * Lists the objects that are reachable from some objects and not from others.
 * @param question object ids in hex: `wanted` only now, and all `wantedBefore`. Together, with two characters more for each,
 *   they must not exceed {@link briefInput} bytes
 * @param limits `patience` is aborted when the list is not worth waiting for
 * @returns undefined if an object is missing, too many are listed, or `patience` is aborted
 * @throws as {@link countObjects}
 */
export async function listGrown(
  git: Git,
  gitDir: string,
  question: { readonly wanted: readonly string[]; readonly wantedBefore: readonly string[] },
  limits: { readonly signal: AbortSignal; readonly patience: AbortSignal },
): Promise<Grown | undefined> {
  const { wanted, wantedBefore } = question;
  const { signal, patience } = limits;
  const input = lines([...wanted, ...wantedBefore.map((oid) => `^${oid}`)]);
  const keepOutput = LISTED * ((wanted[0]?.length ?? 0) + 1);
  const either = AbortSignal.any([signal, patience]);
  const result = await git.brief(listGrownCommand(gitDir), { input, signal: either, keepOutput });
  signal.throwIfAborted();
  if (result.cancelled || !hasSucceeded(result) || result.cut) return undefined;
  const listed = result.stdout.toString('latin1').split('\n');
  const boundary = listed.filter((line) => line.startsWith('-'));
  return {
    objects: new Set(listed.filter((line) => line !== '' && !line.startsWith('-'))),
    boundary: new Set(boundary.map((line) => line.slice(1))),
  };
}

function hasSucceeded(result: GitResult): boolean {
  mustHaveAnswered('rev-list', result);
  return result.exitCode === 0;
}

function lines(oids: readonly string[]): string {
  return oids.map((oid) => `${oid}\n`).join('');
}
