import { describe, expect, it } from 'vitest';
import { CommitOrder } from '../../../../src/mirror/convert/commit-order.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

interface Graph {
  readonly dates: readonly number[];
  readonly links: readonly (readonly number[])[];
  readonly mentions: readonly (readonly number[])[];
}

/** Runs the whole order as a conversion does. @returns the nodes in order, and the mentions that had to be left */
function run({ dates, links, mentions }: Graph, already: readonly number[] = []) {
  const starts = new Uint32Array(links.length + 1);
  for (const [node, targets] of links.entries()) starts[node + 1] = (starts[node] ?? 0) + targets.length;
  const done = new Set(already);
  const order = new CommitOrder(
    Float64Array.from(dates),
    { starts, targets: Uint32Array.from(links.flat()) },
    (node) => done.has(node),
  );
  const converted: number[] = [];
  const left: [node: number, mentioned: number][] = [];
  for (let next = order.next(); next !== undefined; next = order.next()) {
    const { node, isForced } = next;
    const open = (mentions[node] ?? []).filter((other) => !done.has(other));
    const awaited = open.toSorted((a, b) => (order.isBefore(a, b) ? -1 : 1)).at(-1);
    if (awaited !== undefined && !isForced) {
      order.wait(node, awaited);
      continue;
    }
    for (const other of open) left.push([node, other]);
    expect((links[node] ?? []).every((target) => done.has(target))).toBe(true);
    done.add(node);
    converted.push(node);
    order.done(node);
  }
  return { converted, left };
}

function randomGraph(random: SeededRandom, count: number, withCircles: boolean): Graph {
  const nodes = Array.from({ length: count }, (_, node) => node);
  const earlier = (node: number, most: number) =>
    node === 0 ? [] : Array.from({ length: random.below(most + 1) }, () => random.below(node));
  const links = nodes.map((node) => earlier(node, 3));
  const mentions = nodes.map((node) =>
    withCircles && random.fraction() < 0.1 ? [random.below(count)] : earlier(node, 2),
  );
  // Dates with skew and ties, and numbers that tell nothing of the order.
  const dates = nodes.map((node) => Math.floor(node / 4) + (random.fraction() < 0.2 ? -random.below(10) : 0));
  const names = nodes.map((node) => ({ node, key: random.fraction() })).sort((a, b) => a.key - b.key);
  const nameOf = new Map(names.map(({ node }, name) => [node, name]));
  const named = (list: readonly number[][]) =>
    names.map(({ node }) => (list[node] ?? []).map((other) => nameOf.get(other) ?? 0));
  return { links: named(links), mentions: named(mentions), dates: names.map(({ node }) => dates[node] ?? 0) };
}

describe('the order of commits', () => {
  it.each([1, 2, 3, 4])('respects every mention if there is no circle, for any dates (seed %i)', (seed) => {
    const graph = randomGraph(new SeededRandom(seed), 300, false);
    const { converted, left } = run(graph);
    expect(left).toEqual([]);
    expect(new Set(converted).size).toBe(300);
  });

  it.each([5, 6, 7, 8])(
    'has every commit once despite circles, and continues after any interruption (seed %i)',
    (seed) => {
      const random = new SeededRandom(seed);
      const graph = randomGraph(random, 300, true);
      const { converted, left } = run(graph);
      expect(converted.toSorted((a, b) => a - b)).toEqual(graph.links.map((_, node) => node));
      for (let times = 0; times < 20; times++) {
        const done = converted.slice(0, random.below(300));
        expect(run(graph, done).converted).toEqual(converted.slice(done.length));
      }
      expect(left.length).toBeLessThan(60);
    },
  );

  it('skips a mention of a descendant, and respects the others', () => {
    // 0 mentions its descendant 2; 3, on another branch, mentions 2 as well.
    const graph = { dates: [0, 1, 2, 3], links: [[], [0], [1], []], mentions: [[2], [0], [], [2]] };
    expect(run(graph)).toEqual({ converted: [0, 1, 2, 3], left: [[0, 2]] });
  });

  it('skips a mention of the commit itself', () => {
    expect(run({ dates: [0], links: [[]], mentions: [[0]] })).toEqual({ converted: [0], left: [[0, 0]] });
  });
});
