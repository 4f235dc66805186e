/** Finds the types of new tips and whether their histories are complete. For a usual push to a branch, one process does both. */
import type { ObjectDescription } from '../git/index.ts';
import { allSettledOrThrow } from '../lib/all-settled-or-throw.ts';
import { listNewObjects, type QuarantinePaths } from './commands.ts';
import type { Git } from './git.ts';
import { inspectObjects } from './inspect-objects.ts';
import { mustHaveAnswered } from './memory-limit.ts';

/**
 * Object ids whose histories are known to be complete, at which the walk ends. Any published tips are correct: fewer make the
 * walk longer, but its result stays the same.
 */
export interface PublishedTips {
  /** A few tips that a push most likely builds on. */
  readonly likely: readonly string[];
  /** All published tips, `likely` included; undefined if `likely` has all. */
  readonly all?: () => Iterable<string>;
}

/** What git says about new tips. */
export interface TipsInspection {
  /** Tips with incomplete histories. */
  readonly disconnected: ReadonlySet<string>;
  /** What is known of the other tips. */
  readonly objects: ReadonlyMap<string, ObjectDescription>;
}

export interface TipsInspectionOptions {
  readonly paths: QuarantinePaths;
  readonly tips: readonly string[];
  /** Tips that may well not be commits: their types are looked up at the same time. */
  readonly doubtful: readonly string[];
  readonly published: PublishedTips;
  readonly signal: AbortSignal;
}

/** If the whole set is not connected, up to this many tips are checked one by one. Of a larger set, all are refused. */
const CHECKED_ONE_BY_ONE = 100;

/** A walk from the likely tips that takes longer than this is repeated with all tips. */
const LIKELY_MS = 1_000;

/**
 * Inspects tips that no published ref has as its value.
 * @throws CairnError `unavailable` if git cannot be run; the signal's reason if it is aborted
 */
export async function inspectTips(git: Git, options: TipsInspectionOptions): Promise<TipsInspection> {
  const { paths, tips, doubtful, signal } = options;
  if (tips.length === 0) return { disconnected: new Set(), objects: new Map() };
  const [{ disconnected, commits }, objects] = await allSettledOrThrow([
    findCommits(git, options),
    inspectObjects(git, paths, doubtful, signal),
  ]);
  for (const oid of commits) objects.set(oid, { type: 'commit' });
  // A commit that was here already is reachable from where the walk ended, so it was not listed.
  const open = tips.filter((oid) => !objects.has(oid) && !disconnected.has(oid));
  for (const [oid, description] of await inspectObjects(git, paths, open, signal))
    objects.set(oid, description);
  return { disconnected, objects };
}

interface Commits {
  readonly disconnected: ReadonlySet<string>;
  /** Tips that are certainly commits. */
  readonly commits: ReadonlySet<string>;
}

async function findCommits(git: Git, options: Omit<TipsInspectionOptions, 'doubtful'>): Promise<Commits> {
  const { tips } = options;
  const commits = await listCommits(git, options);
  if (commits !== undefined) return { disconnected: new Set(), commits };
  if (tips.length === 1 || tips.length > CHECKED_ONE_BY_ONE) {
    return { disconnected: new Set(tips), commits: new Set() };
  }
  const disconnected = new Set<string>();
  for (const tip of tips) {
    if ((await listCommits(git, { ...options, tips: [tip] })) === undefined) disconnected.add(tip);
  }
  return { disconnected, commits: new Set() };
}

/** The tips among the new commits; undefined if an object is missing. */
async function listCommits(
  git: Git,
  { paths, tips, published, signal }: Omit<TipsInspectionOptions, 'doubtful'>,
): Promise<ReadonlySet<string> | undefined> {
  const { likely, all } = published;
  if (all === undefined) return (await runListing(git, paths, tips, likely, signal)).commits;
  const patience = AbortSignal.timeout(LIKELY_MS);
  const first = await runListing(git, paths, tips, likely, signal, patience);
  if (!first.stopped) return first.commits;
  return (await runListing(git, paths, tips, new Set(all()), signal)).commits;
}

interface Listing {
  readonly commits: ReadonlySet<string> | undefined;
  /** True if `patience` ended it. */
  readonly stopped: boolean;
}

async function runListing(
  git: Git,
  paths: QuarantinePaths,
  tips: readonly string[],
  ends: Iterable<string>,
  signal: AbortSignal,
  patience?: AbortSignal,
): Promise<Listing> {
  const either = patience === undefined ? signal : AbortSignal.any([signal, patience]);
  const input = `${[...ends].map((oid) => `^${oid}\n`).join('')}${tips.join('\n')}\n`;
  const result = await git.brief(listNewObjects(paths), { input, signal: either });
  signal.throwIfAborted();
  if (result.exitCode !== 0 && patience?.aborted === true) return { commits: undefined, stopped: true };
  mustHaveAnswered('rev-list', result);
  if (result.exitCode !== 0) return { commits: undefined, stopped: false };
  const wanted = new Set(tips);
  return { commits: new Set(commitLines(result.stdout).filter((oid) => wanted.has(oid))), stopped: false };
}

/** The lines before the first with a space. The last one may be cut short, and then matches no tip. */
function commitLines(stdout: Buffer): string[] {
  const lines = stdout.toString('latin1').split('\n');
  const end = lines.findIndex((line) => line.includes(' '));
  return end === -1 ? lines : lines.slice(0, end);
}
