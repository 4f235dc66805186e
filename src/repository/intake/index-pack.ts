import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { hexLength, type ObjectFormat } from '../../git/index.ts';
import {
  type IndexPackOptions,
  indexFromInput,
  type QuarantinePaths,
  refusedAllocation,
} from '../../git-process/commands.ts';
import { briefInput, type Git } from '../../git-process/git.ts';
import { checkFindings, failureReason, type GitResult, ranOutOfMemory } from '../../git-process/result.ts';
import type { Clock } from '../../lib/clock.ts';
import { type Digest, sha256 } from '../../lib/digest.ts';
import { DiskFullError } from '../../lib/disk-full.ts';
import { CairnError, isCairnError } from '../../lib/errors.ts';
import { writeChunk } from '../../lib/streams.ts';
import { IndexingWork } from './indexing-work.ts';
import { LongLook } from './long-look.ts';
import { checkPack, MissingObject, type PackBounds, timeFor, unpackLimit } from './pack-bounds.ts';
import { type ScannedPack, tooLarge } from './pack-entries.ts';
import { forecastPack } from './pack-forecast.ts';
import type { PackSource } from './pack-source.ts';
import { readEmptyPack, readPackHeader } from './pack-start.ts';
import { GrowingPack } from './pack-watch.ts';
import { describeReceived, type ReceivedPack } from './received-pack.ts';

/** Where a pack is taken in. */
export interface IntakePaths extends QuarantinePaths {
  /** A file of shallow commits that the pack is cut at. */
  readonly shallowFile?: string;
}

export interface IndexOptions {
  readonly git: Git;
  readonly source: PackSource;
  /** Asked for right before git is started. @param objects that the pack's header names */
  readonly paths: (objects: number) => Promise<IntakePaths>;
  readonly bounds: PackBounds;
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>;
  /**
   * Told how long git, or the checks before and after it, have worked on the pack since it was told last, in seconds. Waiting for
   * the client does not count.
   */
  readonly onWorked: (seconds: number) => void;
  /** Of the repository it is for. */
  readonly format: ObjectFormat;
  /** Object ids that refs are to point at. */
  readonly tips: readonly string[];
  /** Gets what git says about its progress; undefined when nobody wants to hear it. */
  readonly onProgress?: (text: Buffer) => void;
  readonly signal: AbortSignal;
}

/** What git says of a pack that is larger than it was told to take. */
const MAXIMUM_SIZE = /maximum allowed size/;

/** What became of a pack: taken in, without objects, or refused with a reason. */
export type PackOutcome =
  | { readonly outcome: 'received'; readonly pack: ReceivedPack }
  | { readonly outcome: 'empty' }
  | {
      readonly outcome: 'refused';
      readonly reason: string;
      /** What is wrong: the pack itself, an object that it needs, or its size or cost. */
      readonly class: 'pack' | 'object' | 'limit';
      /** What git's checks found wrong with objects: `object <id>: <rule>: <text>` each. */
      readonly findings: readonly string[];
      /** True when it is beyond a bound: nothing is wrong with it but how much it holds, or makes of what it holds. */
      readonly excess?: true;
    };

/**
 * Streams a pack into `git index-pack`, to its end whatever git thinks of it. A pack without
 * objects, which git sends when it creates refs for what is here already, costs no process.
 *
 * @throws DiskFullError; CairnError `unavailable` when git cannot be run; the signal's reason when it is aborted, or what the source throws
 */
export async function indexPack(options: IndexOptions): Promise<PackOutcome> {
  const { source, signal, bounds } = options;
  const header = await readPackHeader(source);
  if (typeof header === 'string') {
    await source.drain();
    return refused(header);
  }
  if (header.objects === 0) {
    const problem = await readEmptyPack(source);
    return problem === undefined ? { outcome: 'empty' } : refused(problem);
  }
  const { objects: maxObjects = Number.POSITIVE_INFINITY } = bounds;
  if (header.objects > maxObjects) {
    await source.drain();
    return excessive(
      bounds.beyond?.('objects', header.objects) ??
        `the pack has ${header.objects} objects, no more than ${maxObjects} are taken here`,
    );
  }
  const start = await readStart(source);
  const whole = start.isWhole ? start.bytes : undefined;
  if (whole !== undefined && bounds.beyond !== undefined && whole.length > bounds.packBytes)
    return excessive(bounds.beyond('bytes', whole.length));
  const problem = await timed(options, () => forecast(options, start, header.objects));
  if (problem !== undefined) {
    await source.drain();
    return excessive(problem);
  }
  const paths = await options.paths(header.objects);
  const indexed = await index(options, paths, header.objects, whole);
  signal.throwIfAborted();
  return judge(options, paths, header.objects, indexed);
}

async function timed<T>(
  { clock, onWorked }: Pick<IndexOptions, 'clock' | 'onWorked'>,
  work: () => Promise<T>,
): Promise<T> {
  const began = clock.monotonic();
  try {
    return await work();
  } finally {
    onWorked((clock.monotonic() - began) / 1_000);
  }
}

/** Tells what has become of a pack that was given to git. */
async function judge(
  options: IndexOptions,
  paths: IntakePaths,
  objects: number,
  indexed: Indexed,
): Promise<PackOutcome> {
  const { git, bounds, signal } = options;
  const { result, late, printed, problem, ...received } = indexed;
  if (problem !== undefined) return excessive(problem);
  if (late && result.exitCode !== 0) {
    const seconds = Math.ceil(timeFor(bounds.patience, received.size) / 1_000);
    return excessive(`unpacking takes more than ${seconds} s: the pack makes too much of too few bytes`);
  }
  if (result.exitCode !== 0) {
    if (/No space left on device/.test(result.stderr)) {
      throw new DiskFullError('to take in this push', result.stderr);
    }
    const { beyond, packBytes } = bounds;
    // git stops reading at the bound, so how much more there is has not been counted.
    if (beyond !== undefined && received.size > packBytes && MAXIMUM_SIZE.test(result.stderr))
      return excessive(beyond('bytes', undefined));
    return refusedByGit(result, paths, bounds);
  }
  const name = /^(?:pack|keep)\t([0-9a-f]+)/.exec(printed)?.[1];
  if (name === undefined) throw new CairnError('unavailable', 'git index-pack did not name its pack');
  const stem = join(paths.objects, 'pack', `pack-${name}`);
  const format = name.length === hexLength('sha1') ? 'sha1' : 'sha256';
  const cameIn = { format, objects, ...received } as const;
  const check = (pack: ScannedPack) => checkPack({ git, paths, bounds, signal }, pack);
  try {
    const described = timed(options, () => describeReceived(stem, cameIn, options.tips, check));
    return { outcome: 'received', pack: await described };
  } catch (error) {
    if (isCairnError(error, 'too-large')) return excessive(error.message);
    if (isCairnError(error, 'invalid'))
      return refused(error.message, [], error instanceof MissingObject ? 'object' : 'pack');
    throw error;
  }
}

function refused(
  reason: string,
  findings: readonly string[] = [],
  of: 'pack' | 'object' | 'limit' = 'pack',
): PackOutcome {
  return { outcome: 'refused', reason, class: of, findings };
}

function excessive(reason: string): PackOutcome {
  return { outcome: 'refused', reason, class: 'limit', findings: [], excess: true };
}

/** Says why git did not take the pack in: what its checks found, if that is the reason, else the line it died with. */
function refusedByGit(result: GitResult, paths: QuarantinePaths, bounds: PackBounds): PackOutcome {
  const findings = checkFindings(result);
  if (findings.length > 0) return refused(findings.join('; '), findings);
  const asked = refusedAllocation(result.stderr);
  // One more than the object has.
  if (asked !== undefined)
    return excessive(tooLarge('an object of', asked - 1, unpackLimit(bounds, 0)).message);
  // Where this server keeps its files is nobody's business.
  const reason = [paths.objects, paths.gitDir].reduce(
    (text, path) => text.replaceAll(path, '…'),
    failureReason('index-pack', result),
  );
  if (ranOutOfMemory(result)) return excessive(reason);
  return refused(reason, [], MAXIMUM_SIZE.test(result.stderr) ? 'limit' : 'pack');
}

/** What became of index-pack, and what it was given. */
interface Indexed {
  readonly result: GitResult;
  /** True when it was ended because it took too long. */
  readonly late: boolean;
  /** What was found in the pack meanwhile that is beyond a bound. */
  readonly problem: string | undefined;
  /** What it said on standard output. */
  readonly printed: string;
  readonly size: number;
  readonly digest: Digest;
}

/** The beginning of a pack. Small packs, nearly all there are, are read whole and then given to git in one piece. */
interface PackStart {
  readonly bytes: Buffer;
  readonly isWhole: boolean;
}

/** Reads a small pack to its end. Of a larger one, what was read is given back. */
async function readStart(source: PackSource): Promise<PackStart> {
  const chunks: Buffer[] = [];
  let size = 0;
  while (size <= briefInput) {
    const chunk = await source.next();
    if (chunk === undefined) return { bytes: Buffer.concat(chunks, size), isWhole: true };
    chunks.push(chunk);
    size += chunk.length;
  }
  const bytes = Buffer.concat(chunks, size);
  source.unread(bytes);
  return { bytes, isWhole: false };
}

function forecast(
  { bounds, format }: IndexOptions,
  { bytes, isWhole }: PackStart,
  objects: number,
): Promise<string | undefined> {
  const pack = { bytes, objects, idLength: hexLength(format) / 2 };
  const limit = unpackLimit(bounds, bytes.length);
  // How much all objects may have depends on how much is still to come.
  const unpackedBytes = isWhole ? limit.unpackedBytes : Number.POSITIVE_INFINITY;
  return forecastPack(pack, { ...limit, unpackedBytes }, bounds.foresight);
}

function index(
  options: IndexOptions,
  paths: IntakePaths,
  objects: number,
  whole: Buffer | undefined,
): Promise<Indexed> {
  if (whole === undefined) return indexStream(options, paths, objects);
  return indexWhole(options, paths, Math.min(objects, whole.length), whole);
}

async function indexWhole(
  options: IndexOptions,
  paths: IntakePaths,
  objects: number,
  pack: Buffer,
): Promise<Indexed> {
  const { git, onProgress, bounds } = options;
  const command = indexFromInput(indexPackOptions(options, paths, objects));
  const patience = AbortSignal.timeout(timeFor(bounds.patience, pack.length));
  const found = new AbortController();
  const signal = AbortSignal.any([options.signal, patience, found.signal]);
  const read = async (position: number, length: number) => pack.subarray(position, position + length);
  const look = new LongLook(
    options,
    { objects, read },
    () => pack.length,
    () => found.abort(),
  );
  const timer = setTimeout(() => look.begin(), timeFor(bounds.lookAfter, pack.length, objects));
  const running = timed(options, () => git.brief(command, { input: pack, signal }));
  const { stdout, ...result } = await running.finally(async () => {
    clearTimeout(timer);
    await look.end();
  });
  const said = Buffer.from(result.stderr);
  if (onProgress !== undefined && said.length > 0 && isProgress(said)) onProgress(said);
  const printed = stdout.toString('latin1');
  const late = result.cancelled && patience.aborted;
  return { result, late, problem: look.problem, printed, size: pack.length, digest: sha256(pack) };
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
  const written = new GrowingPack(paths.objects);
  const pack = { objects, read: written.read.bind(written) };
  const look = new LongLook(
    options,
    pack,
    () => size,
    () => running.stop(),
  );
  look.follow(() => running.processorTime());
  const work = new IndexingWork(
    options,
    () => running.stop(),
    () => look.begin(),
  );
  const finish = async () => {
    work.end();
    await look.end();
    await written.close();
  };
  try {
    for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
      hash.update(chunk);
      size += chunk.length;
      // When git has given up, its reason is told after the client has sent the rest.
      if (!(await work.during(size, writeChunk(running.stdin, chunk)))) await source.drain();
    }
  } catch (error) {
    running.stop();
    await running.ended;
    await finish();
    throw error;
  }
  running.stdin.end();
  const result = await work.during(size, running.ended).finally(finish);
  const text = Buffer.concat(printed).toString('latin1');
  return { result, late: work.late, problem: look.problem, printed: text, size, digest: hash.digest('hex') };
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
