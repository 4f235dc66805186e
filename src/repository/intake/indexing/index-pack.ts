import { join } from 'node:path';
import { hexLength } from '../../../git/index.ts';
import { type QuarantinePaths, refusedAllocation } from '../../../git-process/commands.ts';
import { briefInput } from '../../../git-process/git.ts';
import { failureOf, isFaultOfMachine } from '../../../git-process/refusal.ts';
import {
  checkFindings,
  failureReason,
  type GitResult,
  ownWords,
  ranOutOfDisk,
  ranOutOfMemory,
} from '../../../git-process/result.ts';
import { allSettledOrThrow } from '../../../lib/all-settled-or-throw.ts';
import { DiskFullError } from '../../../lib/disk-full.ts';
import { CairnError, isCairnError } from '../../../lib/errors.ts';
import { tooLarge } from '../bounds/object-limit.ts';
import { checkPack, MissingObject, type PackBounds, timeFor, unpackLimit } from '../bounds/pack-bounds.ts';
import { forecastPack } from '../bounds/pack-forecast.ts';
import type { ScannedPack } from '../entries/pack-entries.ts';
import type { PackSource } from '../pack-source.ts';
import { describeReceived, type ReceivedPack } from '../received-pack.ts';
import { checkObjects } from './check-objects.ts';
import { syncFile } from './early-sync.ts';
import { readEmptyPack, readPackHeader } from './pack-start.ts';
import { type Indexed, type IndexOptions, type IntakePaths, runIndexPack, timed } from './run-index-pack.ts';

/** What git says of a pack that is larger than it was told to take. */
const MAXIMUM_SIZE = /maximum allowed size/;

/** The result of a pack: accepted, without objects, or refused with a reason. */
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
 * @throws DiskFullError; CairnError `unavailable` when git cannot be run, or the machine is at fault; the signal's reason when it is
 *   aborted, or what the source throws
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
  const indexed = await runIndexPack(options, paths, header.objects, whole);
  signal.throwIfAborted();
  return judge(options, paths, header.objects, indexed);
}

/** Tells what has become of a pack that was given to git. */
async function judge(
  options: IndexOptions,
  paths: IntakePaths,
  objects: number,
  indexed: Indexed,
): Promise<PackOutcome> {
  const { git, bounds, signal } = options;
  const { result, late, printed, problem, begun, unchecked, ...received } = indexed;
  if (problem !== undefined) return excessive(problem);
  if (late && result.exitCode !== 0) return tooSlow(bounds, received.size);
  if (result.exitCode !== 0) {
    mustBeOfPack(result);
    const { beyond, packBytes } = bounds;
    // git stops reading at the bound, so how much more there is has not been counted.
    if (beyond !== undefined && received.size > packBytes && MAXIMUM_SIZE.test(ownWords(result)))
      return excessive(beyond('bytes', undefined));
    return refusedByGit(result, paths, bounds);
  }
  const name = /^(?:pack|keep)\t([0-9a-f]+)/.exec(printed)?.[1];
  if (name === undefined) throw new CairnError('unavailable', 'git index-pack did not name its pack');
  const stem = join(paths.objects, 'pack', `pack-${name}`);
  const format = name.length === hexLength('sha1') ? 'sha1' : 'sha256';
  const cameIn = { format, objects, ...received } as const;
  const check = async (pack: ScannedPack) => {
    let lack: MissingObject | undefined;
    const odd = await checkPack({ git, paths, bounds, signal, unchecked }, pack, begun).catch((error) => {
      if (!unchecked || !(error instanceof MissingObject)) throw error;
      // Git says what it is that lacks something.
      lack = error;
      return 'all' as const;
    });
    if (!unchecked) return;
    const patience = AbortSignal.timeout(timeFor(bounds.patience, received.size));
    const within = { ...options, signal: AbortSignal.any([signal, patience]) };
    const checked = await checkObjects(within, paths, { stem, objects }, odd).catch((error) => {
      // Between two commands there is no process to be ended.
      if (error !== patience.reason) throw error;
      return ENDED;
    });
    signal.throwIfAborted();
    if (checked !== undefined && checked.exitCode !== 0)
      throw new Unaccepted(checked, checked.cancelled && patience.aborted);
    if (lack !== undefined) throw lack;
  };
  try {
    const [pack] = await allSettledOrThrow([
      timed(options, () => describeReceived(stem, cameIn, options.tips, check)),
      // While it is looked at, the disk gets to its end.
      ...(options.keepsFiles ? [syncFile(`${stem}.pack`), syncFile(`${stem}.idx`)] : []),
    ]);
    return { outcome: 'received', pack };
  } catch (error) {
    if (error instanceof Unaccepted) return refusedAfter(error, options, paths, received.size);
    if (isCairnError(error, 'too-large')) return excessive(error.message);
    if (isCairnError(error, 'invalid'))
      return refused(error.message, [], error instanceof MissingObject ? 'object' : 'pack');
    throw error;
  }
}

/** Of a command that was not begun any more. */
const ENDED: GitResult = { exitCode: null, signal: null, cancelled: true, stderr: '' };

/** What git has found when it checked objects after it took in the pack. */
class Unaccepted extends Error {
  readonly result: GitResult;
  readonly late: boolean;

  constructor(result: GitResult, late: boolean) {
    super('git does not accept objects of the pack');
    this.result = result;
    this.late = late;
  }
}

function refusedAfter(
  { result, late }: Unaccepted,
  { bounds }: IndexOptions,
  paths: IntakePaths,
  size: number,
): PackOutcome {
  if (late) return tooSlow(bounds, size);
  mustBeOfPack(result);
  return refusedByGit(result, paths, bounds);
}

function tooSlow({ patience }: PackBounds, size: number): PackOutcome {
  const seconds = Math.ceil(timeFor(patience, size) / 1_000);
  return excessive(`unpacking takes more than ${seconds} s: the pack makes too much of too few bytes`);
}

/** @throws DiskFullError; CairnError `unavailable`: if git failed for a reason that is not in the pack */
function mustBeOfPack(result: GitResult): void {
  if (ranOutOfDisk(result)) throw new DiskFullError('to take in this push', result.stderr);
  if (isFaultOfMachine(result)) throw failureOf('take in a pack', 'index-pack', result);
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
  const asked = refusedAllocation(ownWords(result));
  // One more than the object has.
  if (asked !== undefined)
    return excessive(tooLarge('an object of', asked - 1, unpackLimit(bounds, 0)).message);
  // Clients must not learn local paths.
  const reason = [paths.objects, paths.gitDir].reduce(
    (text, path) => text.replaceAll(path, '…'),
    failureReason('index-pack', result),
  );
  if (ranOutOfMemory(result)) return excessive(reason);
  return refused(reason, [], MAXIMUM_SIZE.test(ownWords(result)) ? 'limit' : 'pack');
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
