/**
 * Every git command that Cairn runs, as data: name, arguments, settings and variables. No string is split into
 * arguments. Nothing that a client sent becomes an argument, an option or a variable: names and object ids go through
 * standard input. The exceptions, {@link checkAncestry} and some of `browse-commands`, take object ids that are checked to
 * be hex digits.
 */

import { isObjectId } from '../git/index.ts';

export interface GitCommand {
  /** The subcommand; also the label in metrics. */
  readonly name: string;
  readonly args: readonly string[];
  /** The last argument, behind `--`: a path in a tree, for the one command that reads it from nowhere else. */
  readonly path?: Uint8Array;
  readonly config?: readonly (readonly [key: string, value: string])[];
  readonly variables?: Readonly<Record<string, string>>;
  /** Niceness of the process (nice(2)), 0–19; absent for work that an authorized user waits for. */
  readonly niceness?: number;
  /** Number of processes that run at once, git's own children included; 1 if absent. */
  readonly processes?: number;
  /** Part of its memory that the command really gets, because others need the rest for the same objects; all of it if absent. */
  readonly memoryPart?: number;
  /** Approximate number of objects it works on. A command with very many objects may get more memory, if some is spare. */
  readonly objects?: number;
  /** True for background work on whole repositories, one at a time: it always gets more memory. */
  readonly large?: boolean;
  /** True if its whole session has low priority (see `stand-back.ts`): it may then wait very long on a busy machine. */
  readonly standsBackAsSession?: boolean;
}

/** The quarantine of one push: a separate object directory over a snapshot of the published objects. */
export interface QuarantinePaths {
  /** The snapshot: a bare repository. */
  readonly gitDir: string;
  /** The scratch object directory new packs are written to. */
  readonly objects: string;
}

/** The settings of upload-pack: wants by object id are allowed, and the partial-clone filters whose walk is bounded. */
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

/** Harmless fsck findings that many old histories have. git's defaults stay in force for all others. */
const IGNORED_FINDINGS = ['badTimezone', 'missingSpaceBeforeDate', 'zeroPaddedFilemode'];

/** The same as the value of `--strict=`. */
export const ignoredFindings: string = IGNORED_FINDINGS.map((finding) => `${finding}=ignore`).join(',');

const STRICTLY = `--strict=${ignoredFindings}`;

export function gitVersion(): GitCommand {
  return { name: 'version', args: [] };
}

/** Prints the advertisement of upload-pack. `protocol` is the value of GIT_PROTOCOL, for example `version=2`. */
export function advertiseUploadPack(gitDir: string, protocol?: string): GitCommand {
  return {
    name: 'upload-pack',
    args: ['--stateless-rpc', '--advertise-refs', '--strict', gitDir],
    config: SERVING_CONFIG,
    ...(protocol === undefined ? {} : { variables: { GIT_PROTOCOL: protocol } }),
  };
}

/**
 * Answers one stateless request from standard input, in protocol version 0, 1 or 2.
 * @param objects approximate number of objects in the repository
 * @param sparing without looking for differences, which takes least memory
 */
export function uploadPack(gitDir: string, version: 0 | 1 | 2, objects: number, sparing = false): GitCommand {
  return {
    name: 'upload-pack',
    args: ['--stateless-rpc', '--strict', gitDir],
    // `rev-list` runs beside it, and later `pack-objects`.
    processes: 2,
    objects,
    config: sparing ? [...SERVING_CONFIG, ['pack.window', '0']] : SERVING_CONFIG,
    variables: version === 0 ? {} : { GIT_PROTOCOL: `version=${version}` },
  };
}

export interface IndexPackOptions {
  readonly paths: QuarantinePaths;
  /** Maximum size of the pack in bytes; 0 for no limit. */
  readonly maxInputBytes: number;
  /** Maximum size of one object in bytes. */
  readonly maxObjectBytes: number;
  /** Up to this `maxObjectBytes`, git holds every object in memory and streams no large blobs. */
  readonly heldBytes: number;
  /** Number of objects that the header of the pack states. */
  readonly objects: number;
  /** Print `Resolving deltas` on standard error. */
  readonly progress: boolean;
  /** A file of shallow commits (one object id a line): the commits at which the client's history is cut off. */
  readonly shallowFile?: string;
  /** Niceness of the process; 0 for normal priority. */
  readonly niceness: number;
}

/**
 * To unpack an object git holds its delta base, the delta and the result. It holds the same again when it walks or sends the object,
 * beside tables of all objects of the repository. A pack that leaves no room for these tables is not taken in.
 */
const PART_TO_UNPACK = 3 / 4;

/** Bytes for each object in the table of a pack, which git allocates as one piece. */
const TABLE_BYTES = 96;

/**
 * Makes git refuse an object that is too large before it inflates it. git allocates the memory for an object first, and
 * GIT_ALLOC_LIMIT bounds one allocation. This works for blobs only if git does not stream them, so streaming is turned off.
 */
function objectLimits({
  maxObjectBytes,
  heldBytes,
  objects,
}: IndexPackOptions): Pick<GitCommand, 'config' | 'variables'> {
  // One byte more: git appends a NUL to each object.
  const limit = Math.max(maxObjectBytes + 1, objects * TABLE_BYTES, 2 ** 20);
  const held = maxObjectBytes <= heldBytes;
  return {
    config: held ? [['core.bigFileThreshold', String(Number.MAX_SAFE_INTEGER)]] : [],
    variables: { GIT_ALLOC_LIMIT: String(limit) },
  };
}

/** The size of the allocation that GIT_ALLOC_LIMIT refused, in bytes, if the command failed for that reason; else undefined. */
export function refusedAllocation(words: string): number | undefined {
  const [, bytes] = /attempting to allocate (\d+) over limit \d+/.exec(words) ?? [];
  return bytes === undefined ? undefined : Number(bytes);
}

/** Reads a pack from standard input into the quarantine, completes a thin pack, and checks every object and link. */
export function indexFromInput(options: IndexPackOptions): GitCommand {
  return { ...indexUnchecked(options), args: [STRICTLY, ...argumentsOf(options)] };
}

/** The same without any check but that of the pack: each object is named by its digest, that is all. */
export function indexUnchecked(options: IndexPackOptions): GitCommand {
  const { config, variables } = objectLimits(options);
  return {
    name: 'index-pack',
    args: argumentsOf(options),
    objects: options.objects,
    memoryPart: PART_TO_UNPACK,
    ...(config === undefined ? {} : { config }),
    ...(options.niceness === 0 ? {} : { niceness: options.niceness, standsBackAsSession: true }),
    variables: {
      ...variables,
      ...quarantineVariables(options.paths),
      ...(options.shallowFile === undefined ? {} : { GIT_SHALLOW_FILE: options.shallowFile }),
    },
  };
}

function argumentsOf({ progress, maxInputBytes, niceness }: IndexPackOptions): string[] {
  const args = ['--stdin', '--fix-thin'];
  if (progress) args.push('--show-resolving-progress');
  if (maxInputBytes > 0) args.push(`--max-input-size=${maxInputBytes}`);
  // Commands with low priority use one processor at most.
  if (niceness > 0) args.push('--threads=1');
  return args;
}

/** Writes a pack of the objects whose ids are on standard input, and prints its hash. @param base beginning of its path, see git-pack-objects(1) */
export function packListed(paths: QuarantinePaths, base: string): GitCommand {
  return {
    name: 'pack-objects',
    args: ['-q', '--window=0', '--threads=1', base],
    config: [['pack.packSizeLimit', '0']],
    variables: quarantineVariables(paths),
  };
}

/** Checks every object and every link of a pack file of {@link packListed}. @param stem path of the file without `.pack` */
export function checkListed(paths: QuarantinePaths, stem: string, objects: number): GitCommand {
  return {
    name: 'index-pack',
    args: [STRICTLY, '--no-rev-index', '-o', `${stem}-checked.idx`, `${stem}.pack`],
    objects,
    memoryPart: PART_TO_UNPACK,
    variables: quarantineVariables(paths),
  };
}

/** With a commit-graph, git would take commits for present without reading them. */
const WITHOUT_COMMIT_GRAPH: readonly (readonly [key: string, value: string])[] = [
  ['core.commitGraph', 'false'],
];

/**
 * Exit code 0 if all objects reachable from the object ids on standard input, and not from the snapshot's refs, are in
 * the quarantine or the snapshot.
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
 * Lists all objects reachable from the object ids on standard input, and not from those with a `^`: first the commits, one
 * object id a line, then tags, trees and blobs, with a space after the object id. Exit code 0 if all of them are in the
 * quarantine or the snapshot.
 */
export function listNewObjects(paths: QuarantinePaths): GitCommand {
  return {
    name: 'rev-list',
    args: ['--objects', '--stdin'],
    config: WITHOUT_COMMIT_GRAPH,
    // Otherwise git flushes its output after every commit.
    variables: { ...quarantineVariables(paths), GIT_FLUSH: '0' },
  };
}

/**
 * Prints, for each object id on standard input, a line `<object id> <type> <size>` and the object, or `<object id> missing`.
 * @param buffered true if the caller writes all ids before it needs the first object: git then buffers its output
 */
export function printObjects(paths: QuarantinePaths, buffered: boolean): GitCommand {
  const args = buffered ? ['--batch', '--buffer'] : ['--batch'];
  return { name: 'cat-file', args, variables: quarantineVariables(paths) };
}

/** Prints a line with id and parents for each commit among the object ids on standard input. It uses no shallow file. */
export function listParents(paths: QuarantinePaths): GitCommand {
  return {
    name: 'rev-list',
    args: ['--no-walk', '--parents', '--stdin'],
    config: WITHOUT_COMMIT_GRAPH,
    variables: quarantineVariables(paths),
  };
}

/**
 * Prints a line with id and parents for each commit that those on standard input reach, and those there with a `^` do not.
 * @param gitDir a snapshot
 */
export function listHistory(gitDir: string): GitCommand {
  return {
    name: 'rev-list',
    args: ['--parents', '--stdin'],
    // Otherwise git flushes its output after every commit.
    variables: { GIT_DIR: gitDir, GIT_FLUSH: '0' },
  };
}

/** Prints, for each expression on standard input, one line `<object id> <type>`, or `<expression> missing`. */
export function describeObjects(paths: QuarantinePaths): GitCommand {
  return {
    name: 'cat-file',
    args: ['--batch-check=%(objectname) %(objecttype)', '--buffer'],
    variables: quarantineVariables(paths),
  };
}

/**
 * Exit code 0 if commit `to` descends from commit `from`, 1 if it does not. merge-base does not read standard input, so
 * the two ids are arguments. rev-list reads standard input, but is wrong for commits with skewed dates.
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

/** An object id as an argument. @throws Error for anything else */
export function checkedObjectId(oid: string): string {
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

/** Creates a bare repository. Used only to find out git's capabilities: Cairn writes served repositories itself. */
export function initRepository(gitDir: string, format: 'sha1' | 'sha256'): GitCommand {
  return { name: 'init', args: ['--quiet', '--bare', `--object-format=${format}`, gitDir] };
}

/** Object ids of the empty tree, which git knows without a stored object. */
export const EMPTY_TREE = {
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

/** Changes refs by the commands on standard input (git-update-ref(1)). */
export function updateRef(gitDir: string): GitCommand {
  return { name: 'update-ref', args: ['--stdin'], variables: { GIT_DIR: gitDir } };
}
