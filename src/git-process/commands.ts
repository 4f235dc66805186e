/**
 * Every git command Cairn runs, as data: name, arguments, settings and variables. No string is ever split into
 * arguments, and nothing a client sent becomes an argument, an option or a variable: names and object ids go
 * through standard input. The one exception takes object ids that are checked to be nothing but hex digits.
 */

import { isObjectId } from '../git/index.ts';

export interface GitCommand {
  /** The subcommand, also the label in metrics. */
  readonly name: string;
  readonly args: readonly string[];
  readonly config?: readonly (readonly [key: string, value: string])[];
  readonly variables?: Readonly<Record<string, string>>;
  /** How far the process stands back for others (nice(2)), 0–19; absent for work that somebody with a right waits for. */
  readonly niceness?: number;
  /** How many processes run at once, git's own children included; 1 when absent. */
  readonly processes?: number;
  /** About how many objects it works on, where that may be very many: then it may have more memory, while there is some to spare. */
  readonly objects?: number;
  /** True for what works on whole repositories in the background, one at a time: it always may have more memory. */
  readonly large?: boolean;
}

/** An object directory of its own over a snapshot: what one push brings, beside what is published. */
export interface QuarantinePaths {
  /** The snapshot: a bare repository. */
  readonly gitDir: string;
  /** The scratch object directory new packs are written to. */
  readonly objects: string;
}

/** What upload-pack offers: by-id wants and the partial-clone filters that cost the server a bounded walk. */
const SERVING_CONFIG: readonly (readonly [key: string, value: string])[] = [
  ['uploadpack.allowTipSHA1InWant', 'true'],
  ['uploadpack.allowReachableSHA1InWant', 'true'],
  ['uploadpack.allowFilter', 'true'],
  ['uploadpackfilter.allow', 'false'],
  ['uploadpackfilter.blob:none.allow', 'true'],
  ['uploadpackfilter.blob:limit.allow', 'true'],
  ['uploadpackfilter.tree.allow', 'true'],
  ['uploadpackfilter.object:type.allow', 'true'],
  ['uploadpackfilter.combine.allow', 'true'],
  ['uploadpack.keepAlive', '5'],
];

/** fsck findings that old histories are full of and that harm nobody; the rest of git's table stays in force. */
const IGNORED_FINDINGS = ['badTimezone', 'missingSpaceBeforeDate', 'zeroPaddedFilemode'];

export function gitVersion(): GitCommand {
  return { name: 'version', args: [] };
}

/** Lists what upload-pack offers. `protocol` is the value of GIT_PROTOCOL, for example `version=2`. */
export function advertiseUploadPack(gitDir: string, protocol?: string): GitCommand {
  return {
    name: 'upload-pack',
    args: ['--stateless-rpc', '--advertise-refs', '--strict', gitDir],
    config: SERVING_CONFIG,
    ...(protocol === undefined ? {} : { variables: { GIT_PROTOCOL: protocol } }),
  };
}

/**
 * Answers one stateless request read from standard input, under protocol version 0, 1 or 2.
 * @param objects about how many there are in the repository
 */
export function uploadPack(gitDir: string, version: 0 | 1 | 2, objects: number): GitCommand {
  return {
    name: 'upload-pack',
    args: ['--stateless-rpc', '--strict', gitDir],
    // Beside it `rev-list`, and after that `pack-objects`.
    processes: 2,
    objects,
    config: SERVING_CONFIG,
    variables: version === 0 ? {} : { GIT_PROTOCOL: `version=${version}` },
  };
}

export interface IndexPackOptions {
  readonly paths: QuarantinePaths;
  /** Upper bound of the pack in bytes; 0 for none. */
  readonly maxInputBytes: number;
  /** Bytes that one object may have. */
  readonly maxObjectBytes: number;
  /** Bytes of an object that git may hold in memory, however large the files are that it streams. */
  readonly heldBytes: number;
  /** How many objects the pack says it holds. */
  readonly objects: number;
  /** Print `Resolving deltas` on standard error. */
  readonly progress: boolean;
  /** A file of shallow commits (see gitformat: one object id a line) that the pack is cut at. */
  readonly shallowFile?: string;
  /** How far it stands back for others, 0 for not at all. */
  readonly niceness: number;
}

/** Bytes that git allocates at once for each object of a pack: it has a table of them. */
const TABLE_BYTES = 96;

/**
 * Makes git refuse what is too large before it inflates it: it asks for the memory first, and no more than one object may have
 * is granted. That holds for files only if git does not stream them, as it does elsewhere with large ones.
 */
function objectLimits({
  maxObjectBytes,
  heldBytes,
  objects,
}: IndexPackOptions): Pick<GitCommand, 'config' | 'variables'> {
  // One more: git puts a zero behind each object.
  const limit = Math.max(maxObjectBytes + 1, objects * TABLE_BYTES, 2 ** 20);
  const held = maxObjectBytes <= heldBytes;
  return {
    config: held ? [['core.bigFileThreshold', String(Number.MAX_SAFE_INTEGER)]] : [],
    variables: { GIT_ALLOC_LIMIT: String(limit) },
  };
}

/** Bytes that git was asked for in vain, when that is what a command died of; undefined when it is not. */
export function refusedAllocation(stderr: string): number | undefined {
  const [, bytes] = /attempting to allocate (\d+) over limit \d+/.exec(stderr) ?? [];
  return bytes === undefined ? undefined : Number(bytes);
}

/** Reads a pack from standard input into the quarantine, completes a thin one, checks every object and link. */
export function indexFromInput(options: IndexPackOptions): GitCommand {
  const args = ['--stdin', '--fix-thin', `--strict=${IGNORED_FINDINGS.map((f) => `${f}=ignore`).join(',')}`];
  if (options.progress) args.push('--show-resolving-progress');
  if (options.maxInputBytes > 0) args.push(`--max-input-size=${options.maxInputBytes}`);
  const { config, variables } = objectLimits(options);
  return {
    name: 'index-pack',
    args,
    objects: options.objects,
    ...(config === undefined ? {} : { config }),
    ...(options.niceness === 0 ? {} : { niceness: options.niceness }),
    variables: {
      ...variables,
      ...quarantineVariables(options.paths),
      ...(options.shallowFile === undefined ? {} : { GIT_SHALLOW_FILE: options.shallowFile }),
    },
  };
}

/** The commit-graph would vouch for commits without looking. */
const WITHOUT_COMMIT_GRAPH: readonly (readonly [key: string, value: string])[] = [
  ['core.commitGraph', 'false'],
];

/**
 * Exit code 0 when everything reachable from the object ids on standard input, and not from the snapshot's refs,
 * is in the quarantine or the snapshot.
 */
export function checkConnectivity(paths: QuarantinePaths): GitCommand {
  return {
    name: 'rev-list',
    args: ['--objects', '--stdin', '--not', '--all', '--quiet'],
    config: WITHOUT_COMMIT_GRAPH,
    variables: quarantineVariables(paths),
  };
}

/**
 * Lists everything reachable from the object ids on standard input, and not from those written there with `^` before them:
 * first the commits, each alone in its line, then tags, trees and blobs, with a space behind the object id. Exit code 0 when
 * all of it is in the quarantine or the snapshot.
 */
export function listNewObjects(paths: QuarantinePaths): GitCommand {
  return {
    name: 'rev-list',
    args: ['--objects', '--stdin'],
    config: WITHOUT_COMMIT_GRAPH,
    // Or it would write out every commit by itself.
    variables: { ...quarantineVariables(paths), GIT_FLUSH: '0' },
  };
}

/**
 * For each object id on standard input, a line `<object id> <type> <size>` and the object, or `<object id> missing`.
 * @param buffered true where all are asked for before any has to come: many answers then come in one piece
 */
export function printObjects(paths: QuarantinePaths, buffered: boolean): GitCommand {
  const args = buffered ? ['--batch', '--buffer'] : ['--batch'];
  return { name: 'cat-file', args, variables: quarantineVariables(paths) };
}

/** For each commit among the object ids on standard input a line with its id and those of its parents, whatever a client's history is cut at. */
export function listParents(paths: QuarantinePaths): GitCommand {
  return {
    name: 'rev-list',
    args: ['--no-walk', '--parents', '--stdin'],
    config: WITHOUT_COMMIT_GRAPH,
    variables: quarantineVariables(paths),
  };
}

/** For each expression on standard input, one line `<object id> <type>`, or `<expression> missing`. */
export function describeObjects(paths: QuarantinePaths): GitCommand {
  return {
    name: 'cat-file',
    args: ['--batch-check=%(objectname) %(objecttype)', '--buffer'],
    variables: quarantineVariables(paths),
  };
}

/**
 * Exit code 0 when commit `to` descends from commit `from`, 1 when it does not. merge-base reads nothing from standard
 * input, so these two are arguments; rev-list could be asked by standard input, but errs where dates are skewed.
 *
 * @param from and @param to whole object ids in hex
 */
export function checkAncestry(paths: QuarantinePaths, from: string, to: string): GitCommand {
  return {
    name: 'merge-base',
    args: ['--is-ancestor', checkedObjectId(from), checkedObjectId(to)],
    variables: quarantineVariables(paths),
  };
}

function checkedObjectId(oid: string): string {
  if (!isObjectId(oid, 'sha1') && !isObjectId(oid, 'sha256'))
    throw new Error('only a whole object id may become an argument');
  return oid;
}

function quarantineVariables(paths: QuarantinePaths): Record<string, string> {
  return {
    GIT_DIR: paths.gitDir,
    GIT_OBJECT_DIRECTORY: paths.objects,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: quotePath(`${paths.gitDir}/objects`),
  };
}

/** git splits this variable at colons, unless an entry is written as a C string (git(1)). */
function quotePath(path: string): string {
  return `"${path.replace(/["\\]/g, '\\$&')}"`;
}

/** Makes a bare repository. Only for finding out what git offers: served repositories are written by Cairn itself. */
export function initRepository(gitDir: string, format: 'sha1' | 'sha256'): GitCommand {
  return { name: 'init', args: ['--quiet', '--bare', `--object-format=${format}`, gitDir] };
}

/** Object ids of the empty tree, which git knows without storing it. */
const EMPTY_TREE = {
  sha1: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  sha256: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
};

/** Commits the empty tree with a message from standard input; prints the commit's id. */
export function commitEmptyTree(gitDir: string, format: 'sha1' | 'sha256'): GitCommand {
  const who = { NAME: 'Cairn', EMAIL: 'cairn@localhost', DATE: '@0 +0000' };
  const variables: Record<string, string> = { GIT_DIR: gitDir };
  for (const [field, value] of Object.entries(who)) {
    variables[`GIT_AUTHOR_${field}`] = value;
    variables[`GIT_COMMITTER_${field}`] = value;
  }
  return { name: 'commit-tree', args: [EMPTY_TREE[format]], variables };
}

/** Changes refs by the instructions on standard input (git-update-ref(1)). */
export function updateRef(gitDir: string): GitCommand {
  return { name: 'update-ref', args: ['--stdin'], variables: { GIT_DIR: gitDir } };
}
