import type { TreeEntry } from '../../git/index.ts';
import { LruMap } from '../../lib/lru.ts';
import { commitGraphOf } from '../commit-graphs.ts';
import type { RepositoryView } from '../repository-view.ts';
import { EntryWalk, type LastCommits } from './entry-walk.ts';
import { listLastCommits } from './list-last-commits.ts';

/** Bytes of cached results. A commit's history never changes, in any repository. */
const REMEMBERED = 16 * 1024 * 1024;
/** Bytes for each entry beside its name, and for all of them. */
const OVERHEAD = 150;

const known = new LruMap<string, LastCommits>(REMEMBERED);

/**
 * Finds for each entry of a folder the last commit that changed it: what `git log -1` prints for its path. The filters of the
 * commit-graph lead to it, and only parents' folders are read; no process is started. What that does not find in a bounded
 * number of steps, git looks for in the history of the folder: where histories were merged, it may name a commit whose change was
 * dropped in the merge.
 * @param entries of the folder in this commit
 * @param timeLimit milliseconds; entries that are not found by then are left out
 * @throws CairnError `unavailable` when git fails
 */
export async function lastCommits(
  view: RepositoryView,
  commit: string,
  folder: readonly Buffer[],
  entries: readonly TreeEntry[],
  timeLimit: number,
): Promise<LastCommits> {
  const timeout = AbortSignal.timeout(timeLimit);
  const place = folder.map((name) => `${name.toString('latin1')}/`).join('');
  const keyAt = (oid: string) => `${oid}:${place}`;
  const walk = new EntryWalk({
    view,
    graph: await commitGraphOf(view),
    folder,
    knownAt: (oid) => known.get(keyAt(oid)),
    timeout,
  });
  const isWhole = await walk.run(commit, entries);
  let found: LastCommits = walk.found;
  let isKnown = isWhole;
  if (!isWhole && !timeout.aborted) {
    const names = entries.map(({ name }) => name).filter((name) => !found.has(name.toString('latin1')));
    const listed = await listLastCommits(view, commit, folder, names, timeout);
    found = new Map([...found, ...listed.found]);
    isKnown = listed.isWhole;
  }
  // Memory is shared: what is missing in this repository need not be missing in another one.
  if (timeout.aborted || !isKnown) view.onCut?.();
  else for (const oid of new Set([commit, walk.last])) known.set(keyAt(oid), found, weightOf(place, found));
  return found;
}

function weightOf(place: string, found: LastCommits): number {
  let weight = OVERHEAD + place.length;
  for (const name of found.keys()) weight += OVERHEAD + name.length;
  return weight;
}
