/**
 * The git commands of a fold. They run in a scratch copy of the repository that nobody else looks at, and stand back for
 * whatever somebody waits for. Object ids and names of packs go through standard input; the one name of a pack that
 * becomes an argument is git's own.
 */
import type { GitCommand } from './commands.ts';

const NICENESS = 10;

/**
 * A commit-graph would vouch for commits without looking at them, and what a fold leaves out is gone.
 * Bounds come with every git process (`pack.threads`, `pack.windowMemory`); deltas are reused.
 */
const WALK = [['core.commitGraph', 'false']] as const;

/** The name without `.pack` that git gives packs it writes into a repository, before it adds their hash. */
function packBase(gitDir: string): string {
  return `${gitDir}/objects/pack/pack`;
}

function packObjects(
  gitDir: string,
  args: readonly string[],
  more: NonNullable<GitCommand['config']> = [],
): GitCommand {
  return {
    name: 'pack-objects',
    args: ['-q', '--non-empty', '--delta-base-offset', ...args, packBase(gitDir)],
    config: [...WALK, ...more],
    variables: { GIT_DIR: gitDir },
    niceness: NICENESS,
    large: true,
  };
}

/**
 * Packs everything that the refs of the repository reach, with a reverse index and a bitmap; prints the pack's hash, or
 * nothing when there is nothing. git writes bitmaps for `--all` alone, so the refs of the copy are those meant.
 */
export function packAll(gitDir: string): GitCommand {
  return packObjects(
    gitDir,
    ['--all', '--write-bitmap-index'],
    [
      ['pack.writeReverseIndex', 'true'],
      ['pack.writeBitmapHashCache', 'true'],
    ],
  );
}

/**
 * Packs what the revisions on standard input reach (git-rev-list(1), those to end at with a `^`), but for objects of the pack
 * `kept`: a walk alone would bring objects back that stand on both sides.
 * @param kept what git has called a pack that it has written here, without `.pack`
 */
export function packReachable(gitDir: string, kept: string | undefined): GitCommand {
  return packObjects(gitDir, [
    '--revs',
    ...(kept === undefined ? [] : [`--keep-pack=${mustBeName(kept)}.pack`]),
  ]);
}

function mustBeName(pack: string): string {
  if (!/^pack-[0-9a-f]{40,64}$/.test(pack)) throw new Error('not a name by git');
  return pack;
}

/** Packs the objects of the packs on standard input, but for those of packs that stand there with a `^` before them. */
export function packPacks(gitDir: string): GitCommand {
  return packObjects(gitDir, ['--stdin-packs']);
}

/**
 * Packs the objects whose ids stand on standard input, but for those of packs named. It follows no link, while
 * {@link packPacks} does, for names that make better deltas: this one packs what git cannot walk.
 * @param kept packs as git names them, without `.pack`
 */
export function packListed(gitDir: string, kept: readonly string[]): GitCommand {
  return packObjects(
    gitDir,
    kept.map((name) => `--keep-pack=${mustBeName(name)}.pack`),
  );
}

/** Writes a commit-graph of every commit that the refs reach; nothing when there is none. */
export function writeCommitGraph(gitDir: string): GitCommand {
  return {
    name: 'commit-graph',
    args: ['write', '--reachable', '--no-progress'],
    variables: { GIT_DIR: gitDir },
    niceness: NICENESS,
    large: true,
  };
}

/** Exit code 0 when everything that the refs reach is there. */
export function checkAll(gitDir: string): GitCommand {
  return {
    name: 'rev-list',
    args: ['--objects', '--all', '--quiet'],
    config: WALK,
    variables: { GIT_DIR: gitDir },
    niceness: NICENESS,
    large: true,
  };
}

/** Exit code 0 when everything that the object ids on standard input lead to, and no ref does, is there. */
export function checkBesideRefs(gitDir: string): GitCommand {
  return { ...checkAll(gitDir), args: ['--objects', '--stdin', '--not', '--all', '--quiet'] };
}

/** Exit code 0 when everything that the revisions on standard input reach (those to end at with a `^`) is there. */
export function checkReachable(gitDir: string): GitCommand {
  return { ...checkAll(gitDir), args: ['--objects', '--stdin', '--quiet'] };
}
