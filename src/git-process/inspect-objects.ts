/** What git says about objects: whether they are here with all they need, what they are, which descends from which. */

import { Yielder } from '../lib/cooperative.ts';
import { CairnError } from '../lib/errors.ts';
import {
  checkAncestry,
  checkConnectivity,
  describeObjects,
  listParents,
  type QuarantinePaths,
} from './commands.ts';
import type { Git } from './git.ts';
import { mustHaveAnswered } from './memory-limit.ts';
import { failureReason } from './result.ts';

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';

export interface ObjectDescription {
  readonly type: ObjectType;
  /** For a tag: what it peels to. */
  readonly peeled?: string;
}

/** Tips asked about one by one when the whole set is not connected; beyond that all of them are refused. */
const ASKED_ONE_BY_ONE = 100;

/**
 * Finds tips that something is missing below: everything reachable from a tip and not from the snapshot's refs has to
 * be in the quarantine or the snapshot.
 *
 * @returns the tips that are not complete; empty when all are
 * @throws CairnError `unavailable` when git cannot be run
 */
export async function findDisconnected(
  git: Git,
  paths: QuarantinePaths,
  tips: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  if (tips.length === 0 || (await isConnected(git, paths, tips, signal))) return new Set();
  if (tips.length === 1 || tips.length > ASKED_ONE_BY_ONE) return new Set(tips);
  const disconnected = new Set<string>();
  for (const tip of tips) {
    if (!(await isConnected(git, paths, [tip], signal))) disconnected.add(tip);
  }
  return disconnected;
}

async function isConnected(
  git: Git,
  paths: QuarantinePaths,
  tips: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  const result = await git.brief(checkConnectivity(paths), { input: `${tips.join('\n')}\n`, signal });
  signal.throwIfAborted();
  mustHaveAnswered('rev-list', result);
  return result.exitCode === 0;
}

/**
 * Asks git for the type of each object, and what tags peel to.
 * @returns facts by object id; an object that is not there has none
 * @throws CairnError `unavailable` when git fails
 */
export async function inspectObjects(
  git: Git,
  paths: QuarantinePaths,
  oids: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, ObjectDescription>> {
  const facts = new Map<string, ObjectDescription>();
  if (oids.length === 0) return facts;
  const input = oids.map((oid) => `${oid}\n${oid}^{}\n`).join('');
  // Two lines for each, of an object id and a word, or of what was asked and `missing`.
  const keepOutput = oids.length * 2 * (64 + 16);
  const result = await git.brief(describeObjects(paths), { input, signal, keepOutput });
  signal.throwIfAborted();
  mustHaveAnswered('cat-file', result);
  if (result.exitCode !== 0) throw new CairnError('unavailable', failureReason('cat-file', result));
  const lines = result.stdout.toString('latin1').split('\n');
  const pauses = new Yielder();
  for (const [at, oid] of oids.entries()) {
    const [, type] = (lines[2 * at] ?? '').split(' ');
    const [peeled] = (lines[2 * at + 1] ?? '').split(' ');
    if (pauses.isDue) await pauses.next();
    if (!isObjectType(type)) continue;
    facts.set(
      oid,
      type === 'tag' && peeled !== undefined && !peeled.endsWith('^{}') ? { type, peeled } : { type },
    );
  }
  return facts;
}

/**
 * True when commit `to` descends from commit `from`, or is the same: an update from one to the other loses nothing.
 * @throws CairnError `unavailable` when git cannot say
 */
export async function isFastForward(
  git: Git,
  paths: QuarantinePaths,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<boolean> {
  const result = await git.brief(checkAncestry(paths, from, to), { signal });
  signal.throwIfAborted();
  mustHaveAnswered('merge-base', result);
  if (result.exitCode === 0) return true;
  if (result.exitCode === 1) return false;
  throw new CairnError('unavailable', failureReason('merge-base', result));
}

/**
 * The parents of commits that are here; of other objects nothing is said.
 * @param oids few enough that their parents are worth an answer in memory
 * @throws CairnError `unavailable` when git cannot say; the signal's reason
 */
export async function parentsOf(
  git: Git,
  paths: QuarantinePaths,
  oids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const result = await git.run(listParents(paths), { input: `${oids.join('\n')}\n`, signal });
  signal.throwIfAborted();
  mustHaveAnswered('rev-list', result);
  if (result.exitCode !== 0) throw new CairnError('unavailable', failureReason('rev-list', result));
  const lines = result.stdout.toString('latin1').split('\n');
  return new Set(lines.flatMap((line) => line.split(' ').slice(1)));
}

function isObjectType(word: string | undefined): word is ObjectType {
  return word === 'commit' || word === 'tree' || word === 'blob' || word === 'tag';
}
