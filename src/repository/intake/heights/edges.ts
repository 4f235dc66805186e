import { inStretches } from '../../../lib/cooperative.ts';

/** What leads to each node of a graph. */
export interface EdgesByTarget {
  /** By node: where those that lead to it begin in `sources`. One more at the end. */
  readonly starts: Uint32Array;
  /** The other ends of the edges. */
  readonly sources: Uint32Array;
}

/**
 * Groups edges by the node that they lead to.
 * @param edges pairs: the node that an edge leads to, and what it comes from
 * @param nodes how many nodes there are
 */
export async function edgesByTarget(edges: Uint32Array, nodes: number): Promise<EdgesByTarget> {
  const starts = new Uint32Array(nodes + 1);
  const sources = new Uint32Array(edges.length / 2);
  await inStretches(sources.length, (from, to) => count(edges, starts, from, to));
  for (let node = 1; node < starts.length; node++)
    starts[node] = (starts[node] ?? 0) + (starts[node - 1] ?? 0);
  const next = starts.slice();
  await inStretches(sources.length, (from, to) => sort(edges, sources, next, from, to));
  return { starts, sources };
}

function count(edges: Uint32Array, starts: Uint32Array, from: number, to: number): void {
  for (let at = from; at < to; at++) {
    const behind = (edges[2 * at] ?? 0) + 1;
    starts[behind] = (starts[behind] ?? 0) + 1;
  }
}

function sort(edges: Uint32Array, sources: Uint32Array, next: Uint32Array, from: number, to: number): void {
  for (let at = from; at < to; at++) {
    const target = edges[2 * at] ?? 0;
    const slot = next[target] ?? 0;
    sources[slot] = edges[2 * at + 1] ?? 0;
    next[target] = slot + 1;
  }
}
