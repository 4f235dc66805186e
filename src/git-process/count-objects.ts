/** What git says about what some objects reach, in a repository that nobody else writes to. */
import type { GitCommand } from './commands.ts';
import type { Git } from './git.ts';
import { mustHaveAnswered } from './memory-limit.ts';
import type { GitResult } from './result.ts';

/** Nobody waits for these. */
const NICENESS = 10;

/** Prints how many objects the ids on standard input reach, themselves included; by the bitmaps there are, if there are. */
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
 * Exit code 0 when everything that the ids on standard input reach is here, as far as one gets without the commits in
 * packs that have a `.keep` file. A bitmap says of the files of commits beyond it only that they are named.
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
 * Lists what the ids on standard input reach beyond those with `^`, of which a commit that is the parent of a listed one
 * comes with `-`.
 */
export function listGrownCommand(gitDir: string): GitCommand {
  return {
    name: 'rev-list',
    args: ['--objects', '--no-object-names', '--boundary', '--stdin'],
    variables: { GIT_DIR: gitDir },
  };
}

/** What is reached now that was not before. */
export interface Grown {
  /** In hex: all of it, perhaps with some that was reached before, too. */
  readonly objects: ReadonlySet<string>;
  /** Commits reached before that something listed is built on: these are certainly part of what is reached now. */
  readonly boundary: ReadonlySet<string>;
}

/** Ids listed, at most. A history may name again what it had long ago, so there may be more than has come. */
const LISTED = 20_000;

/** What is asked about some objects: their ids in hex, and about how many there are in the repository. */
export interface ReachQuestion {
  readonly wants: readonly string[];
  readonly objects: number;
}

/**
 * Counts what some objects reach.
 * @returns undefined when something of it is missing
 * @throws CairnError `unavailable` when git cannot be run; the signal's reason when it is aborted
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
 * True when everything is here that some objects reach and that is not reached through commits in packs with a `.keep` file.
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
 * Lists what some objects reach beyond what others do.
 * @param question what is wanted only now, and all that was wanted before, as object ids in hex, together no more than
 *   {@link briefInput} bytes with a character and a line end for each
 * @param limits `patience` is aborted when the list is not worth waiting for any more
 * @returns undefined when something of it is missing, there is too much of it, or patience has ended
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
