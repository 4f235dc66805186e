/**
 * The git commands of a fold. They run in a scratch copy of the repository that nobody else uses, with low priority. Object
 * ids and names of packs go through standard input. Only pack names that git has chosen become arguments.
 */
import type { GitCommand } from './commands.ts';

const NICENESS = 10;

/**
 * With a commit-graph, git would take commits for present without reading them. A fold must not do so: what it leaves out is
 * lost. The bounds of every git process apply (`pack.threads`, `pack.windowMemory`), and deltas are reused.
 */
const WALK = [['core.commitGraph', 'false']] as const;

/** Base of the path of packs that git writes into a repository; git appends their hash and `.pack`. */
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
 * Packs all objects reachable from the refs of the repository, with a reverse index and a bitmap. Prints the pack's hash, or
 * nothing if there are no objects. git writes bitmaps only for `--all`, so the copy has only the refs to pack.
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
 * Packs the objects reachable from the revisions on standard input (git-rev-list(1), excluded ones with a `^`), without
 * objects of the pack `kept`: the walk alone would pack objects again that are on both sides.
 * @param kept git's name of a pack that it has written here, without `.pack`
 */
export function packReachable(gitDir: string, kept: string | undefined): GitCommand {
  return packObjects(gitDir, [
    '--revs',
    ...(kept === undefined ? [] : [`--keep-pack=${mustBeName(kept)}.pack`]),
  ]);
}

function mustBeName(pack: string): string {
  if (!/^pack-[0-9a-f]{40,64}$/.test(pack)) throw new Error("not one of git's pack names");
  return pack;
}

/** Packs the objects of the packs named on standard input, without objects of those named with a `^`. */
export function packPacks(gitDir: string): GitCommand {
  return packObjects(gitDir, ['--stdin-packs']);
}

/**
 * Packs the objects whose ids are on standard input, without objects of the packs in `kept`. It follows no links, so it packs
 * objects that git cannot walk. {@link packPacks} follows links, because paths make better deltas.
 * @param kept git's names of packs, without `.pack`
 */
export function packListed(gitDir: string, kept: readonly string[]): GitCommand {
  return packObjects(
    gitDir,
    kept.map((name) => `--keep-pack=${mustBeName(name)}.pack`),
  );
}

/** Commits whose changed paths are computed for a commit-graph: a second or two for each 30,000 of them. */
const CHANGED_PATHS = 200_000;

/**
 * Writes a commit-graph of every commit that is reachable from the refs, with filters of the paths that each changes: with them
 * the history of a path is found without reading most trees. Writes nothing if there is none.
 */
export function writeCommitGraph(gitDir: string): GitCommand {
  return {
    name: 'commit-graph',
    args: ['write', '--reachable', '--changed-paths', `--max-new-filters=${CHANGED_PATHS}`, '--no-progress'],
    variables: { GIT_DIR: gitDir },
    niceness: NICENESS,
    large: true,
  };
}

/** Exit code 0 if all objects reachable from the refs are present. */
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

/** Exit code 0 if all objects reachable from the ids on standard input, and not from the refs, are present. */
export function checkBesideRefs(gitDir: string): GitCommand {
  return { ...checkAll(gitDir), args: ['--objects', '--stdin', '--not', '--all', '--quiet'] };
}

/** Exit code 0 if all objects reachable from the revisions on standard input (excluded ones with a `^`) are present. */
export function checkReachable(gitDir: string): GitCommand {
  return { ...checkAll(gitDir), args: ['--objects', '--stdin', '--quiet'] };
}
