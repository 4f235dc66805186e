/** Commands on scratch repositories: bare repositories that hold packs for a while and are deleted with all that is in them. */
import type { GitCommand } from './commands.ts';

/**
 * Reads a pack from standard input into a scratch repository. It needs no other objects to be read; what it links to may be missing.
 * @param objects number of objects that its header states
 */
export function indexIntoScratch(gitDir: string, objects: number): GitCommand {
  return { name: 'index-pack', args: ['--stdin'], objects, variables: { GIT_DIR: gitDir } };
}

/** Prints a line `<object id> <type>` for each object of a scratch repository, in the order of its packs. */
export function listScratchObjects(gitDir: string): GitCommand {
  return {
    name: 'cat-file',
    args: ['--batch-all-objects', '--batch-check=%(objectname) %(objecttype)', '--unordered', '--buffer'],
    variables: { GIT_DIR: gitDir },
  };
}
