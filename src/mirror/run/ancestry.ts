/** Finds out which commits are ancestors of which, with as little as possible sent by the source. */
import type { ObjectFormat } from '../../git/index.ts';
import { CairnError, isCairnError } from '../../lib/errors.ts';
import type { CommitGraph } from '../graph/commit-graph.ts';
import { Scratch, type ScratchPlace } from '../graph/scratch.ts';
import { type Ancestry, type AncestryPair, pairKey } from '../plan/plan.ts';
import { fetchPack } from './fetch-pack.ts';
import type { MirrorRun } from './mirror-run.ts';

/** The dependencies of a request to the source. */
export type AskingRun = Pick<MirrorRun, 'source' | 'limits' | 'scratch' | 'observer' | 'signal'>;

/** Gives the commits that the first ones reach and the others do not, and perhaps more. */
export type GraphOf = (wants: readonly string[], haves: readonly string[]) => Promise<CommitGraph>;

/** Pairs that are looked at one by one. For more, the whole history is fetched once. */
const MOST_SINGLE = 8;

/**
 * Asks the source which old commits are ancestors of the new ones.
 * @returns what is known, by `pairKey`
 * @throws as `Source.fetch`; CairnError `unavailable` when git fails
 */
export async function findAncestry(
  run: AskingRun,
  pairs: readonly AncestryPair[],
): Promise<Map<string, Ancestry>> {
  if (pairs.length > 0) run.observer.phase('ancestry');
  try {
    return await ancestryIn(pairs, (wants, haves) => fetchGraph(run, wants, haves));
  } catch (error) {
    // A bundle that builds on other objects cannot be read without them.
    if (run.source.listing.protocol !== undefined || !isCairnError(error, 'corrupt')) throw error;
    return new Map(pairs.map((pair) => [pairKey(pair.old, pair.new), 'unknown']));
  }
}

/**
 * Looks for the old commit of each pair among the ancestors of the new one.
 *
 * The source is asked for the commits that the new ones have and the old ones have not; where it can, without trees and blobs. An
 * old commit that is an ancestor is then met as the parent of one that was sent. One that is not met is either no ancestor, or hidden
 * behind the old commit of another pair; so the remaining pairs are examined one by one, without others.
 *
 * @param graphOf asks the source, or any other repository that has all commits of the pairs
 * @returns what is known, by `pairKey`
 * @throws what asking throws
 */
export async function ancestryIn(
  pairs: readonly AncestryPair[],
  graphOf: GraphOf,
): Promise<Map<string, Ancestry>> {
  const known = new Map<string, Ancestry>();
  if (pairs.length === 0) return known;
  const open = await settle(graphOf, pairs, known);
  if (open.length > MOST_SINGLE) await settle(graphOf, open, known, []);
  else if (pairs.length > 1) for (const pair of open) await settle(graphOf, [pair], known);
  for (const pair of pairs) {
    const key = pairKey(pair.old, pair.new);
    if (!known.has(key)) known.set(key, 'unknown');
  }
  return known;
}

/** Asks about some pairs. @returns those that are still open */
async function settle(
  graphOf: GraphOf,
  pairs: readonly AncestryPair[],
  known: Map<string, Ancestry>,
  haves: readonly string[] = [...new Set(pairs.map((pair) => pair.old))],
): Promise<AncestryPair[]> {
  const graph = await graphOf([...new Set(pairs.map((pair) => pair.new))], haves);
  const open: AncestryPair[] = [];
  for (const pair of pairs) {
    const found = graph.isAncestor(pair.old, pair.new);
    // With one have, what is not met is no ancestor: everything between would have been sent. Nothing is sent of what is older.
    const isAlone = pairs.length === 1 && haves.length === 1;
    const isDecided = found !== 'unknown' || (isAlone && (graph.has(pair.new) || graph.size === 0));
    if (isDecided) known.set(pairKey(pair.old, pair.new), found === 'yes' ? 'yes' : 'no');
    else open.push(pair);
  }
  return open;
}

/**
 * Fetches commits and their parents; without trees and blobs where the source can leave them out.
 * @throws as `Source.fetch`; CairnError `unavailable` when git fails
 */
export async function fetchGraph(
  run: AskingRun,
  wants: readonly string[],
  haves: readonly string[],
): Promise<CommitGraph> {
  const { source, signal, scratch: place } = run;
  const filter = source.listing.canFilter ? { filter: 'tree:0' } : {};
  const { objects, pack } = await fetchPack(run, { wants, haves, ...filter });
  await using scratch = await openScratch(place, source.listing.objectFormat, pack);
  if (objects === 0) await drainEmptyPack(pack);
  else await scratch.index(pack, objects, signal);
  // Awaited here: the scratch repository is deleted when this function returns.
  return await scratch.commits(signal);
}

/** Opens a scratch repository for a pack. Without one, the pack is not read. */
async function openScratch(
  place: ScratchPlace,
  format: ObjectFormat,
  pack: AsyncIterable<Buffer>,
): Promise<Scratch> {
  try {
    return await Scratch.open(place, format);
  } catch (error) {
    await end(pack);
    throw error;
  }
}

/** Reads a pack without objects to its end. @throws CairnError `corrupt` when there is more */
export async function drainEmptyPack(pack: AsyncIterable<Buffer>): Promise<void> {
  let size = 0;
  for await (const chunk of pack) size += chunk.length;
  if (size > LONGEST_EMPTY)
    throw new CairnError('corrupt', 'the source sent objects in a pack that should be empty');
}

/** Header and checksum. */
const LONGEST_EMPTY = 12 + 32;

/** Ends a pack that is not read. */
async function end(pack: AsyncIterable<Buffer>): Promise<void> {
  await pack[Symbol.asyncIterator]().return?.();
}
