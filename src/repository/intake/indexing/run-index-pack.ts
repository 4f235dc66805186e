/** Has git take in a pack: `git index-pack`, how long it works, and what it is told. */
import { createHash } from 'node:crypto';
import { hexLength, type ObjectFormat } from '../../../git/index.ts';
import {
  type IndexPackOptions,
  indexFromInput,
  indexUnchecked,
  type QuarantinePaths,
} from '../../../git-process/commands.ts';
import type { Git } from '../../../git-process/git.ts';
import type { GitResult } from '../../../git-process/result.ts';
import { allSettledOrThrow } from '../../../lib/all-settled-or-throw.ts';
import type { Clock } from '../../../lib/clock.ts';
import { type Digest, sha256 } from '../../../lib/digest.ts';
import { writeChunk } from '../../../lib/streams.ts';
import { earlyEntries, type PackBounds, timeFor } from '../bounds/pack-bounds.ts';
import { GrowingPack } from '../bounds/pack-watch.ts';
import type { EarlyEntries } from '../entries/early-entries.ts';
import type { PackSource } from '../pack-source.ts';
import { EarlyReader } from './early-reader.ts';
import { EarlySync } from './early-sync.ts';
import { IndexingWork } from './indexing-work.ts';
import { LongLook } from './long-look.ts';

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
  /** Whether the store will keep the files that git makes (see `ObjectStorePair`): then they are made durable early. */
  readonly keepsFiles: boolean;
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
  /** True if the repository has no objects yet. */
  readonly isFirst: boolean;
  /** Gets what git says about its progress; undefined if it is not wanted. */
  readonly onProgress?: (text: Buffer) => void;
  readonly signal: AbortSignal;
}

/** The result of index-pack, and its input. */
export interface Indexed {
  readonly result: GitResult;
  /** True when it was ended because it took too long. */
  readonly late: boolean;
  /** What was found in the pack meanwhile that is beyond a bound. */
  readonly problem: string | undefined;
  /** What it said on standard output. */
  readonly printed: string;
  readonly size: number;
  readonly digest: Digest;
  /** What was read of a large pack while git resolved deltas. */
  readonly begun?: EarlyEntries;
  /** True if git has not checked the objects. */
  readonly unchecked: boolean;
}

export async function timed<T>(
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

/**
 * Gives a pack to git.
 * @param whole all of it, of a small one
 * @throws what the source throws; the signal's reason when it is aborted; as {@link EarlySync}
 */
export function runIndexPack(
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
  const about = { size: pack.length, digest: sha256(pack), unchecked: false };
  return { result, late, problem: look.problem, printed, ...about };
}

async function indexStream(options: IndexOptions, paths: IntakePaths, objects: number): Promise<Indexed> {
  const { source, git, signal, onProgress } = options;
  // Of so much for an empty repository, git looks at few objects, and only later (see `odd-objects.ts`).
  const isPlainlyRead =
    options.isFirst && objects >= options.bounds.plainFrom && paths.shallowFile === undefined;
  const idLength = hexLength(options.format) / 2;
  const begun = earlyEntries(options.bounds, objects, idLength, isPlainlyRead);
  const unchecked = isPlainlyRead && begun !== undefined;
  const command = (unchecked ? indexUnchecked : indexFromInput)(indexPackOptions(options, paths, objects));
  const running = await git.startFed(command, { signal });
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
  let reader: EarlyReader | undefined;
  let gathering: Promise<void> | undefined;
  const syncing = options.keepsFiles ? new EarlySync(written) : undefined;
  const finish = async () => {
    work.end();
    try {
      await allSettledOrThrow([
        look.end(),
        Promise.resolve(syncing?.settled()),
        Promise.resolve(reader?.end()),
        Promise.resolve(gathering),
      ]);
    } finally {
      await written.close();
    }
  };
  try {
    for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
      hash.update(chunk);
      size += chunk.length;
      // When git has given up, its reason is told after the client has sent the rest.
      if (!(await work.during(size, writeChunk(running.stdin, chunk)))) await source.drain();
      syncing?.grown(size);
    }
  } catch (error) {
    running.stop();
    await running.ended;
    await finish();
    throw error;
  }
  running.stdin.end();
  // It reads with one thread, and begins others for what it has read. They need no lock for as long if nothing is checked, so they may
  // have the processor that the reader leaves.
  const read = new AbortController();
  gathering = running.gatherThreads(unchecked ? read.signal : undefined);
  if (begun !== undefined)
    reader = new EarlyReader(begun, written, size - idLength, options.clock, () => read.abort());
  const result = await work.during(size, running.ended).finally(finish);
  if (result.exitCode === 0) syncing?.mustBeDurable();
  const about = { result, late: work.late, problem: look.problem, size, digest: hash.digest('hex') };
  const text = Buffer.concat(printed).toString('latin1');
  return { ...about, printed: text, unchecked, ...(begun !== undefined && { begun }) };
}

/** How index-pack is run on a pack. */
export function indexPackOptions(
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
