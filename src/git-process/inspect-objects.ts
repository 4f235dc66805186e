/** Questions to git about objects: whether their histories are complete, their types, and which descends from which. */

import { isObjectType, type ObjectDescription } from '../git/index.ts';
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

/** If the whole set is not connected, up to this many tips are checked one by one. Of a larger set, all are refused. */
const CHECKED_ONE_BY_ONE = 100;

/**
 * Finds tips with incomplete histories: all objects reachable from a tip and not from the snapshot's refs have to be in the
 * quarantine or the snapshot.
 *
 * @returns the tips that are not complete; empty if all are
 * @throws CairnError `unavailable` if git cannot be run
 */
export async function findDisconnected(
  git: Git,
  paths: QuarantinePaths,
  tips: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  if (tips.length === 0 || (await isConnected(git, paths, tips, signal))) return new Set();
  if (tips.length === 1 || tips.length > CHECKED_ONE_BY_ONE) return new Set(tips);
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
 * Asks git for the type of each object, and for the peeled object ids of tags.
 * @returns descriptions by object id; a missing object has none
 * @throws CairnError `unavailable` if git fails
 */
export async function inspectObjects(
  git: Git,
  paths: QuarantinePaths,
  oids: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, ObjectDescription>> {
  const objects = new Map<string, ObjectDescription>();
  if (oids.length === 0) return objects;
  const input = oids.map((oid) => `${oid}\n${oid}^{}\n`).join('');
  // Two lines for each object: an object id and a type, or the expression and `missing`.
  const keepOutput = oids.length * 2 * (64 + 16);
  const result = await git.brief(describeObjects(paths), { input, signal, keepOutput });
  signal.throwIfAborted();
  mustHaveAnswered('cat-file', result);
  if (result.exitCode !== 0) throw new CairnError('unavailable', failureReason('cat-file', result));
  const lines = result.stdout.toString('latin1').split('\n');
  const yielder = new Yielder();
  for (const [at, oid] of oids.entries()) {
    const [, type] = (lines[2 * at] ?? '').split(' ');
    const [peeled] = (lines[2 * at + 1] ?? '').split(' ');
    if (yielder.isDue) await yielder.next();
    if (!isObjectType(type)) continue;
    objects.set(
      oid,
      type === 'tag' && peeled !== undefined && !peeled.endsWith('^{}') ? { type, peeled } : { type },
    );
  }
  return objects;
}

/**
 * True if commit `to` descends from commit `from` or is the same commit: an update from one to the other loses no commits.
 * @throws CairnError `unavailable` if git fails
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
 * The parents of the commits among `oids`. Other objects are ignored.
 * @param oids few enough that the ids of their parents fit in memory
 * @throws CairnError `unavailable` if git fails; the signal's reason if it is aborted
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
