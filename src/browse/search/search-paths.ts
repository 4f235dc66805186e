import { listPaths } from '../../git-process/search-commands.ts';
import { type FuzzyMatch, folded, fuzzyScore } from '../../lib/fuzzy-score.ts';
import { splitPath } from '../paths.ts';
import { Fields, readOutput } from '../read-output.ts';
import type { RepositoryView } from '../repository-view.ts';

export interface FoundPath {
  readonly path: readonly Buffer[];
  /** The same as text. */
  readonly text: string;
  /** Indexes of the characters of `text` that fit. */
  readonly at: readonly number[];
}

export interface PathSearch {
  /** The best first. */
  readonly paths: readonly FoundPath[];
  /** Number of paths that fit. */
  readonly count: number;
  /** True if not all paths were examined. */
  readonly cut: boolean;
}

/** Bounds of one search: some 500,000 paths. */
const MOST_PATHS = 100;
const BOUNDS = { bytes: 48 * 1024 * 1024, milliseconds: 5_000 };
/** Paths that are kept before the worse ones are dropped. */
const KEPT = 2_000;

interface Candidate extends FuzzyMatch {
  readonly path: Buffer;
}

/** Finds the paths below a tree that fit what somebody typed: its letters in this order. */
export async function searchPaths(view: RepositoryView, tree: string, query: string): Promise<PathSearch> {
  const wanted = folded(query).replace(/\s+/g, '');
  const fields = new Fields(0);
  let best: Candidate[] = [];
  let count = 0;
  const end = await readOutput(view, listPaths(await view.gitDir(), tree), '', BOUNDS, (piece) => {
    for (const path of fields.of(piece)) {
      const match = fuzzyScore(wanted, folded(path.toString('utf8')));
      if (match === undefined) continue;
      count++;
      // A copy: the piece that it lies in is far larger.
      best.push({ ...match, path: Buffer.from(path) });
      if (best.length >= KEPT) best = bestOf(best);
    }
    return true;
  });
  const paths = bestOf(best).map(({ path, at }) => ({
    path: splitPath(path),
    text: path.toString('utf8'),
    at,
  }));
  return { paths, count, cut: end !== 'whole' };
}

function bestOf(candidates: readonly Candidate[]): Candidate[] {
  return [...candidates]
    .sort((a, b) => b.score - a.score || Buffer.compare(a.path, b.path))
    .slice(0, MOST_PATHS);
}
