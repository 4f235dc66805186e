/** Cuts a history into pieces that can be fetched one after another. Pure. */
import type { CommitGraph } from '../graph/commit-graph.ts';

/** A branch or tag that is wanted, and the commit that it leads to. */
export interface Tip {
  /** The ref. */
  readonly name: string;
  readonly oid: string;
}

/** Where one piece ends: with these commits, and all that they reach, fetched. */
export type Checkpoint = readonly Tip[];

/** Most pieces of a history, but for the last one. Each is a publish, and the source alone says how many objects it has. */
const MOST_PIECES = 200;

/**
 * How many commits a piece has at least.
 * @param commits of the whole history
 * @param pieces how many objects the source has, as it says, and how many of them a piece is to have
 */
export function commitsOfPiece(
  commits: number,
  pieces: { readonly objects: number; readonly each: number },
): number {
  const wanted = Math.floor((commits * pieces.each) / pieces.objects);
  return Math.max(1, wanted, Math.ceil(commits / MOST_PIECES));
}

/**
 * Chooses the ends of pieces along first parents, the first tip's from its beginning, then what others add. Each piece has
 * at least as many commits as asked for, but for what is left at the end, which belongs to no piece: it comes with the last
 * pack. A merge brings all that was merged at once, so a piece can be larger.
 * @param graph the commits that are missing
 * @param commits of a piece
 */
export function planCheckpoints(graph: CommitGraph, tips: readonly Tip[], commits: number): Checkpoint[] {
  const reached = graph.growingSet();
  const checkpoints: Checkpoint[] = [];
  let ends = new Map<string, string>();
  let size = 0;
  for (const { name, oid: tip } of tips) {
    for (const oid of graph.firstParents(tip, (commit) => reached.has(commit))) {
      size += reached.add(oid);
      ends.set(name, oid);
      if (size < commits) continue;
      checkpoints.push([...ends].map(([ref, end]) => ({ name: ref, oid: end })));
      ends = new Map();
      size = 0;
    }
  }
  return checkpoints;
}
