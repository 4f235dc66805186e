/** The stops at which packs may end, on the way from what the target has to all that it shall have. Pure. */
import type { CommitGraph, GrowingSet } from '../graph/commit-graph.ts';
import type { PlannedRef } from '../plan/plan.ts';

/** A place where a pack may end. */
export interface Stop {
  /** The object that the target has from then on, with all that it reaches. */
  readonly oid: string;
  /** The ref that is whole with it; undefined within a chain, where a temporary ref keeps what was sent. */
  readonly ref: PlannedRef | undefined;
  /** The chain that it belongs to. Each has a temporary ref of its own, which only moves forward. */
  readonly chain: number;
}

/**
 * All stops, in the order in which they are met.
 *
 * For each ref, in the order of the plan, these are the commits of its first-parent chain, oldest first, as far as no ref before it
 * brings them. A commit of that chain brings what was merged into it. A chain is only taken apart along other parents where a single
 * merge is too much for a pack (see {@link Stops.takeApart}); so there is no need for an order of all commits, which would have
 * more stops, and temporary refs that jump from side to side.
 *
 * What the target has ends a chain, because the source leaves it out of the graph. That is all there is to resuming: a temporary ref
 * of a run that was interrupted is a ref of the target like others.
 */
export class Stops {
  private stops: readonly Stop[];
  /** How many of them were reached. */
  private at = 0;
  private readonly graph: CommitGraph;
  private chains = 0;
  /** Everything that was reached. */
  private readonly reached: GrowingSet;

  /**
   * @param graph commits that the target does not have
   * @param commitOf the commit that a ref's object leads to; undefined if there is none
   */
  constructor(
    graph: CommitGraph,
    refs: readonly PlannedRef[],
    commitOf: (ref: PlannedRef) => string | undefined,
  ) {
    this.graph = graph;
    this.reached = graph.growingSet();
    const planned = graph.growingSet();
    const stops: Stop[] = [];
    for (const ref of refs) {
      const commit = commitOf(ref);
      const chain = this.chains++;
      const oids = commit === undefined ? [] : graph.firstParents(commit, planned.has);
      if (commit !== undefined) planned.add(commit);
      // The last commit is the ref itself, or what an annotated tag points at.
      if (oids.at(-1) === ref.newId) oids.pop();
      for (const oid of oids) stops.push({ oid, ref: undefined, chain });
      stops.push({ oid: ref.newId, ref, chain });
    }
    this.stops = stops;
  }

  /** How many stops are left. */
  get left(): number {
    return this.stops.length - this.at;
  }

  /** Refs that are not whole yet. */
  get refs(): PlannedRef[] {
    return this.stops.slice(this.at).flatMap(({ ref }) => (ref === undefined ? [] : [ref]));
  }

  /** The next stops: at least one, at most `count`, and at most `mostRefs` that end a ref. */
  next(count: number, mostRefs: number): Stop[] {
    const next: Stop[] = [];
    let refs = 0;
    for (let at = this.at; at < this.stops.length && next.length < Math.max(1, count); at++) {
      const stop = this.stops[at];
      if (stop === undefined || (stop.ref !== undefined && ++refs > mostRefs)) break;
      next.push(stop);
    }
    return next;
  }

  /** True if the next stop is a merge of commits that were not reached: {@link takeApart} would bring more stops. */
  get canTakeApart(): boolean {
    const parents = this.graph.parentsOf(this.stops[this.at]?.oid ?? '');
    return parents.some((parent) => this.graph.has(parent) && !this.reached.has(parent));
  }

  /** The next stops were reached. */
  reach(count: number): void {
    for (let left = count; left > 0; left--) this.reached.add(this.stops[this.at++]?.oid ?? '');
  }

  /**
   * Puts more stops before the next one, if it is a merge: the first-parent chains of its other parents.
   * @returns false if there are none
   */
  takeApart(): boolean {
    const stop = this.stops[this.at];
    if (stop === undefined) return false;
    const planned = this.graph.growingSet();
    const stops: Stop[] = [];
    for (const parent of this.graph.parentsOf(stop.oid)) {
      const chain = this.chains++;
      const oids = this.graph.firstParents(parent, (oid) => this.reached.has(oid) || planned.has(oid));
      planned.add(parent);
      for (const oid of oids) stops.push({ oid, ref: undefined, chain });
    }
    this.stops = [...stops, ...this.stops.slice(this.at)];
    this.at = 0;
    return stops.length > 0;
  }
}
