/** What new tips are, and whether they are complete: for the common push to a branch, both by one process. */
import { allSettledOrThrow } from '../lib/all-settled-or-throw.ts';
import { listNewObjects, type QuarantinePaths } from './commands.ts';
import type { Git } from './git.ts';
import { inspectObjects, type ObjectDescription } from './inspect-objects.ts';
import { mustHaveAnswered } from './memory-limit.ts';

/**
 * Object ids whose histories are known to be complete, to end the search at. Any of those that are published will do: fewer
 * make the search longer and never wrong.
 */
export interface PublishedTips {
  /** Those that a push most likely builds on, few. */
  readonly likely: readonly string[];
  /** All of them, `likely` included; undefined when these are all. */
  readonly all?: () => Iterable<string>;
}

export interface TipsInspection {
  /** Tips that something is missing below. */
  readonly disconnected: ReadonlySet<string>;
  /** What is known of the others. */
  readonly facts: Map<string, ObjectDescription>;
}

export interface TipsQuestion {
  readonly paths: QuarantinePaths;
  readonly tips: readonly string[];
  /** Those of the tips that may well be other things than commits: what they are is asked at the same time. */
  readonly doubtful: readonly string[];
  readonly published: PublishedTips;
  readonly signal: AbortSignal;
}

/** Tips asked about one by one when the whole set is not connected; beyond that all of them are refused. */
const ASKED_ONE_BY_ONE = 100;

/** What ends at none of the likely tips in this time is asked again with all of them. */
const LIKELY_MS = 1_000;

/**
 * Finds out about tips that no published ref names.
 * @throws CairnError `unavailable` when git cannot be run; the signal's reason when it is aborted
 */
export async function inspectTips(git: Git, question: TipsQuestion): Promise<TipsInspection> {
  const { paths, tips, doubtful, signal } = question;
  if (tips.length === 0) return { disconnected: new Set(), facts: new Map() };
  const [{ disconnected, commits }, facts] = await allSettledOrThrow([
    findCommits(git, question),
    inspectObjects(git, paths, doubtful, signal),
  ]);
  for (const oid of commits) facts.set(oid, { type: 'commit' });
  // A commit that was here already is reachable from where the search ended, and was not listed.
  const open = tips.filter((oid) => !facts.has(oid) && !disconnected.has(oid));
  for (const [oid, fact] of await inspectObjects(git, paths, open, signal)) facts.set(oid, fact);
  return { disconnected, facts };
}

interface Commits {
  readonly disconnected: ReadonlySet<string>;
  /** Those of the tips that are certainly commits. */
  readonly commits: ReadonlySet<string>;
}

async function findCommits(git: Git, question: Omit<TipsQuestion, 'doubtful'>): Promise<Commits> {
  const { tips } = question;
  const commits = await listCommits(git, question);
  if (commits !== undefined) return { disconnected: new Set(), commits };
  if (tips.length === 1 || tips.length > ASKED_ONE_BY_ONE) {
    return { disconnected: new Set(tips), commits: new Set() };
  }
  const disconnected = new Set<string>();
  for (const tip of tips) {
    if ((await listCommits(git, { ...question, tips: [tip] })) === undefined) disconnected.add(tip);
  }
  return { disconnected, commits: new Set() };
}

/** The tips among the new commits; undefined when something is missing. */
async function listCommits(
  git: Git,
  { paths, tips, published, signal }: Omit<TipsQuestion, 'doubtful'>,
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
  /** True when it took longer than it was worth. */
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
  if (result.cancelled && result.exitCode === null) return { commits: undefined, stopped: true };
  mustHaveAnswered('rev-list', result);
  if (result.exitCode !== 0) return { commits: undefined, stopped: false };
  const wanted = new Set(tips);
  return { commits: new Set(commitLines(result.stdout).filter((oid) => wanted.has(oid))), stopped: false };
}

/** The lines before the first with a space. The last one may be cut short, and is then nobody's. */
function commitLines(stdout: Buffer): string[] {
  const lines = stdout.toString('latin1').split('\n');
  const end = lines.findIndex((line) => line.includes(' '));
  return end === -1 ? lines : lines.slice(0, end);
}
