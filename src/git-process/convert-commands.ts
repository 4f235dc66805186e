/**
 * The git commands that rewrite a SHA-1 history into SHA-256. They read a repository that nobody changes, and write into a
 * folder of the conversion. Only paths that Cairn has chosen become arguments.
 */
import { type GitCommand, ignoredFindings } from './commands.ts';

/** With a commit-graph, git would take commits for present without reading them. */
const WALK = [['core.commitGraph', 'false']] as const;

/**
 * Writes one pack of all objects that the revisions on standard input reach (git-rev-list(1), excluded ones with a `^`), with
 * idx and reverse index, and prints its hash. It reuses deltas and searches for none, so it is fast, and the same objects
 * always give the same pack.
 * @param base beginning of the paths of the files; git appends `-<hash>.pack`
 */
export function packForConversion(gitDir: string, base: string): GitCommand {
  return {
    name: 'pack-objects',
    args: ['-q', '--revs', '--delta-base-offset', '--window=0', '--threads=1', base],
    config: [...WALK, ['pack.writeReverseIndex', 'true'], ['pack.packSizeLimit', '0']],
    variables: { GIT_DIR: gitDir },
    large: true,
  };
}

/**
 * Writes idx and reverse index of a pack file, and checks every object and every link. What the objects link to is in this
 * pack or in the repository.
 * @param stem path of the pack file without `.pack`
 */
export function indexConvertedPack(gitDir: string, stem: string): GitCommand {
  return {
    name: 'index-pack',
    args: [`--strict=${ignoredFindings}`, '--rev-index', '-o', `${stem}.idx`, `${stem}.pack`],
    variables: { GIT_DIR: gitDir },
    large: true,
  };
}

/**
 * Lists what the revisions on standard input reach, each commit followed by the trees and blobs that no earlier one has: a
 * line with the object id, and for trees and blobs a space and the path.
 */
export function listWithPaths(gitDir: string): GitCommand {
  return {
    name: 'rev-list',
    args: ['--objects', '--in-commit-order', '--stdin'],
    config: WALK,
    variables: { GIT_DIR: gitDir },
    large: true,
  };
}

/** Lists the commits that the revisions on standard input reach, parents first, a line each. */
export function listParentsFirst(gitDir: string): GitCommand {
  return {
    name: 'rev-list',
    args: ['--topo-order', '--reverse', '--stdin'],
    config: WALK,
    variables: { GIT_DIR: gitDir },
    large: true,
  };
}
