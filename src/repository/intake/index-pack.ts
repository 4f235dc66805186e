import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { hexLength } from '../../git/index.ts';
import {
  type IndexPackOptions,
  indexFromInput,
  type QuarantinePaths,
  refusedAllocation,
} from '../../git-process/commands.ts';
import { briefInput, type Git } from '../../git-process/git.ts';
import { checkFindings, failureReason, type GitResult } from '../../git-process/result.ts';
import { type Digest, sha256 } from '../../lib/digest.ts';
import { DiskFullError } from '../../lib/disk-full.ts';
import { CairnError, isCairnError } from '../../lib/errors.ts';
import { writeChunk } from '../../lib/streams.ts';
import { checkPack, type PackBounds } from './pack-bounds.ts';
import { type ScannedPack, tooLarge } from './pack-entries.ts';
import type { PackSource } from './pack-source.ts';
import { readEmptyPack, readPackHeader } from './pack-start.ts';
import { describeReceived, type ReceivedPack } from './received-pack.ts';

/** Where a pack is taken in. */
export interface IntakePaths extends QuarantinePaths {
  /** A file of shallow commits that the pack is cut at. */
  readonly shallowFile?: string;
}

export interface IndexOptions {
  readonly git: Git;
  readonly source: PackSource;
  /** Asked for once it is known that there are objects. */
  readonly paths: () => Promise<IntakePaths>;
  readonly bounds: PackBounds;
  /** Object ids that refs are to point at. */
  readonly tips: readonly string[];
  /** Gets what git says about its progress; undefined when nobody wants to hear it. */
  readonly onProgress?: (text: Buffer) => void;
  readonly signal: AbortSignal;
}

/** What became of a pack: taken in, without objects, or refused with a reason. */
export type PackOutcome =
  | { readonly outcome: 'received'; readonly pack: ReceivedPack }
  | { readonly outcome: 'empty' }
  | {
      readonly outcome: 'refused';
      readonly reason: string;
      /** What git's checks found wrong with objects: `object <id>: <rule>: <text>` each. */
      readonly findings: readonly string[];
    };

/**
 * Streams a pack into `git index-pack`, to its end whatever git thinks of it. A pack without
 * objects, which git sends when it creates refs for what is here already, costs no process.
 *
 * @throws DiskFullError; CairnError `unavailable` when git cannot be run; the signal's reason when it is aborted, or what the source throws
 */
export async function indexPack(options: IndexOptions): Promise<PackOutcome> {
  const { source, signal } = options;
  const header = await readPackHeader(source);
  if (typeof header === 'string') {
    await source.drain();
    return refused(header);
  }
  if (header.objects === 0) {
    const problem = await readEmptyPack(source);
    return problem === undefined ? { outcome: 'empty' } : refused(problem);
  }
  const { objects: maxObjects = Number.POSITIVE_INFINITY } = options.bounds;
  if (header.objects > maxObjects) {
    await source.drain();
    return refused(`the pack has ${header.objects} objects, no more than ${maxObjects} are taken here`);
  }
  const paths = await options.paths();
  const { result, late, printed, ...received } = await index(options, paths, header.objects);
  signal.throwIfAborted();
  if (late && result.exitCode !== 0) {
    const seconds = Math.ceil(patienceFor(options.bounds, received.size) / 1_000);
    return refused(`unpacking takes more than ${seconds} s: the pack makes too much of too few bytes`);
  }
  if (result.exitCode !== 0) {
    if (/No space left on device/.test(result.stderr)) {
      throw new DiskFullError('to take in this push', result.stderr);
    }
    return refusedByGit(result, paths, options.bounds);
  }
  const name = /^(?:pack|keep)\t([0-9a-f]+)/.exec(printed)?.[1];
  if (name === undefined) throw new CairnError('unavailable', 'git index-pack did not name its pack');
  const stem = join(paths.objects, 'pack', `pack-${name}`);
  const format = name.length === hexLength('sha1') ? 'sha1' : 'sha256';
  const cameIn = { format, objects: header.objects, ...received } as const;
  const { git, bounds } = options;
  const check = (pack: ScannedPack) => checkPack({ git, paths, bounds, signal }, pack);
  try {
    return { outcome: 'received', pack: await describeReceived(stem, cameIn, options.tips, check) };
  } catch (error) {
    if (isCairnError(error, 'invalid') || isCairnError(error, 'too-large')) return refused(error.message);
    throw error;
  }
}

function refused(reason: string, findings: readonly string[] = []): PackOutcome {
  return { outcome: 'refused', reason, findings };
}

/** Says why git did not take the pack in: what its checks found, if that is the reason, else the line it died with. */
function refusedByGit(result: GitResult, paths: QuarantinePaths, bounds: PackBounds): PackOutcome {
  const findings = checkFindings(result);
  if (findings.length > 0) return refused(findings.join('; '), findings);
  const asked = refusedAllocation(result.stderr);
  // One more than the object has.
  if (asked !== undefined) return refused(tooLarge('an object of', asked - 1, bounds).message);
  // Where this server keeps its files is nobody's business.
  const reason = [paths.objects, paths.gitDir].reduce(
    (text, path) => text.replaceAll(path, '…'),
    failureReason('index-pack', result),
  );
  return refused(reason);
}

/** What became of index-pack, and what it was given. */
interface Indexed {
  readonly result: GitResult;
  /** True when it was ended because it took too long. */
  readonly late: boolean;
  /** What it said on standard output. */
  readonly printed: string;
  readonly size: number;
  readonly digest: Digest;
}

/** Small packs, nearly all there are, are read whole and then given to git in one piece. */
async function index(options: IndexOptions, paths: IntakePaths, objects: number): Promise<Indexed> {
  const { source } = options;
  const chunks: Buffer[] = [];
  let size = 0;
  while (size <= briefInput) {
    const chunk = await source.next();
    if (chunk === undefined)
      return indexWhole(options, paths, Math.min(objects, size), Buffer.concat(chunks, size));
    chunks.push(chunk);
    size += chunk.length;
  }
  source.unread(Buffer.concat(chunks, size));
  return indexStream(options, paths, objects);
}

async function indexWhole(
  options: IndexOptions,
  paths: IntakePaths,
  objects: number,
  pack: Buffer,
): Promise<Indexed> {
  const { git, onProgress, bounds } = options;
  const command = indexFromInput(indexPackOptions(options, paths, objects));
  const patience = AbortSignal.timeout(patienceFor(bounds, pack.length));
  const signal = AbortSignal.any([options.signal, patience]);
  const { stdout, ...result } = await git.brief(command, { input: pack, signal });
  const said = Buffer.from(result.stderr);
  if (onProgress !== undefined && said.length > 0 && isProgress(said)) onProgress(said);
  const printed = stdout.toString('latin1');
  const late = result.cancelled && patience.aborted;
  return { result, late, printed, size: pack.length, digest: sha256(pack) };
}

async function indexStream(options: IndexOptions, paths: IntakePaths, objects: number): Promise<Indexed> {
  const { source, git, signal, onProgress } = options;
  const running = git.start(indexFromInput(indexPackOptions(options, paths, objects)), { signal });
  running.stderr.on('data', (text: Buffer) => {
    if (onProgress !== undefined && isProgress(text)) onProgress(text);
  });
  const printed: Buffer[] = [];
  running.stdout.on('data', (text: Buffer) => printed.push(text));
  const hash = createHash('sha256');
  let size = 0;
  try {
    for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
      hash.update(chunk);
      size += chunk.length;
      // When git has given up, its reason is told after the rest has been read.
      if (!(await writeChunk(running.stdin, chunk))) await source.drain();
    }
  } catch (error) {
    running.stop();
    await running.ended;
    throw error;
  }
  running.stdin.end();
  let late = false;
  const outOfPatience = () => {
    late = true;
    running.stop();
  };
  const timer = setTimeout(outOfPatience, patienceFor(options.bounds, size));
  const result = await running.ended;
  clearTimeout(timer);
  const text = Buffer.concat(printed).toString('latin1');
  return { result, late, printed: text, size, digest: hash.digest('hex') };
}

/** Milliseconds that git may take to unpack so many bytes, once they have all come. */
function patienceFor({ patience }: PackBounds, bytes: number): number {
  return Math.ceil(patience.least + (patience.perMiB * bytes) / 2 ** 20);
}

function indexPackOptions(
  { bounds, onProgress }: IndexOptions,
  paths: IntakePaths,
  objects: number,
): IndexPackOptions {
  const { shallowFile } = paths;
  return {
    paths,
    maxInputBytes: bounds.packBytes,
    niceness: bounds.niceness,
    maxObjectBytes: bounds.objectBytes,
    heldBytes: bounds.heldBytes,
    objects,
    progress: onProgress !== undefined,
    ...(shallowFile === undefined ? {} : { shallowFile }),
  };
}

/** What git died of goes into the report; everything else it says on the way is for the one who waits. */
function isProgress(text: Buffer): boolean {
  return !/^(fatal|error): /m.test(text.toString('latin1'));
}
