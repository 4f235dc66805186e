import type { GitCommand } from './commands.ts';

/** No request waits for it. */
const NICENESS = 10;

/**
 * Writes a pack to standard output, with the objects that the ids on standard input reach, and those there with a `^` do not. It
 * needs no other objects to be read.
 * @param gitDir a snapshot
 * @param objects about how many objects the repository has
 */
export function packToOutput(gitDir: string, objects: number): GitCommand {
  return {
    name: 'pack-objects',
    args: ['--revs', '--stdout', '--delta-base-offset', '-q'],
    variables: { GIT_DIR: gitDir },
    niceness: NICENESS,
    objects,
  };
}
