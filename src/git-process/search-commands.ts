/** The git commands behind searches. The words of a visitor go through standard input. */
import { isObjectId } from '../git/index.ts';
import { CairnError } from '../lib/errors.ts';
import { NICENESS } from './browse-commands.ts';
import type { GitCommand } from './commands.ts';

export interface GrepOptions {
  /** Lines shown before and after one that is found. */
  readonly context: number;
  /** Lines found in one file, at most. */
  readonly inFile: number;
  /** Whether `A` and `a` differ. */
  readonly caseMatters: boolean;
}

/**
 * Finds lines that have the text on standard input, which is one line and no pattern. Prints each, and those around it, as
 * `<tree>:<path>`, NUL, its number, NUL, for a line that was found its column and NUL, and its text.
 * @param tree object id
 */
export function grepTree(gitDir: string, tree: string, options: GrepOptions): GitCommand {
  const { context, inFile, caseMatters } = options;
  const shown = ['-n', '--column', '-z', `--context=${context}`, `--max-count=${inFile}`];
  return {
    name: 'grep',
    // `-I`: without binary files. Threads wait for one another when all of them read packs.
    args: [
      '-F',
      '-I',
      '--no-color',
      '--threads=1',
      ...shown,
      ...(caseMatters ? [] : ['-i']),
      '-f',
      '-',
      hex(tree),
    ],
    variables: { GIT_DIR: gitDir },
    niceness: NICENESS,
  };
}

/** Prints the paths of all files below a tree, each with a NUL. @param tree object id */
export function listPaths(gitDir: string, tree: string): GitCommand {
  return {
    name: 'ls-tree',
    args: ['-r', '-z', '--name-only', '--full-tree', hex(tree)],
    variables: { GIT_DIR: gitDir },
    niceness: NICENESS,
  };
}

/**
 * Prints all files and folders below a tree, each as mode, type, id and size (bytes; `-` for a folder), a tab and its path, with a
 * NUL. A folder comes before what is in it. @param tree object id
 */
export function listSizes(gitDir: string, tree: string): GitCommand {
  return {
    name: 'ls-tree',
    args: ['-r', '-t', '-l', '-z', '--full-tree', hex(tree)],
    variables: { GIT_DIR: gitDir },
    niceness: NICENESS,
  };
}

/** An object id that may be an argument. */
function hex(oid: string): string {
  if (isObjectId(oid, 'sha1') || isObjectId(oid, 'sha256')) return oid;
  throw new CairnError('invalid', `${JSON.stringify(oid)} is not an object id`);
}
