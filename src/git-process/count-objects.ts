/** What git says about what some objects reach, in a repository that nobody else writes to. */
import { CairnError } from '../lib/errors.ts';
import type { GitCommand } from './commands.ts';
import type { Git } from './git.ts';
import { failureReason, type GitResult } from './result.ts';

/** Nobody waits for these. */
const NICENESS = 10;

/** Prints how many objects the ids on standard input reach, themselves included; by the bitmaps there are, if there are. */
export function countObjectsCommand(gitDir: string): GitCommand {
  return {
    name: 'rev-list',
    args: ['--objects', '--count', '--use-bitmap-index', '--stdin'],
    variables: { GIT_DIR: gitDir },
    niceness: NICENESS,
  };
}

/**
 * Exit code 0 when everything that the ids on standard input reach is here, as far as one gets without the commits in
 * packs that have a `.keep` file. A bitmap says of the files of commits beyond it only that they are named.
 */
export function checkBeyondKeptCommand(gitDir: string): GitCommand {
  return {
    name: 'rev-list',
    args: ['--objects', '--quiet', '--no-kept-objects=on-disk', '--stdin'],
    variables: { GIT_DIR: gitDir },
    niceness: NICENESS,
  };
}

/**
 * Counts what some objects reach.
 * @param oids object ids in hex
 * @returns undefined when something of it is missing
 * @throws CairnError `unavailable` when git cannot be run; the signal's reason when it is aborted
 */
export async function countObjects(
  git: Git,
  gitDir: string,
  oids: readonly string[],
  signal: AbortSignal,
): Promise<number | undefined> {
  const result = await git.run(countObjectsCommand(gitDir), { input: lines(oids), signal });
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
  oids: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  const result = await git.run(checkBeyondKeptCommand(gitDir), { input: lines(oids), signal });
  signal.throwIfAborted();
  return hasSucceeded(result);
}

function hasSucceeded(result: GitResult): boolean {
  if (result.signal !== null) throw new CairnError('unavailable', failureReason('rev-list', result));
  return result.exitCode === 0;
}

function lines(oids: readonly string[]): string {
  return oids.map((oid) => `${oid}\n`).join('');
}
