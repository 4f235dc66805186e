import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CommitGraph } from '../../../../src/mirror/graph/commit-graph.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

const id = (name: string | number) => createHash('sha1').update(String(name)).digest('hex');

describe('a graph of commits', () => {
  it('gives the answers of a plain search, over random histories (seed on failure)', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = new SeededRandom(seed);
      const size = 2 + random.below(60);
      const parents = Array.from({ length: size }, (_, at) => {
        const count = at === 0 ? 0 : random.below(4);
        return [...new Set(Array.from({ length: count }, () => random.below(at)))];
      });
      // Some commits are named by others, and were not sent.
      const isLoaded = parents.map(() => random.fraction() < 0.9);
      const graph = new CommitGraph('sha1');
      for (const at of shuffled(size, random))
        if (isLoaded[at]) graph.add(id(at), (parents[at] ?? []).map(id));

      for (let round = 0; round < 40; round++) {
        const [old, next] = [random.below(size), random.below(size)];
        const { met, complete } = search(parents, isLoaded, next);
        const isNamed = isLoaded[next] || parents.some((of, at) => isLoaded[at] && of.includes(next));
        const expected = met.has(old) ? 'yes' : isNamed && complete ? 'no' : 'unknown';
        expect(graph.isAncestor(id(old), id(next)), `seed ${seed}: ${old} of ${next}`).toBe(expected);
        const reachable = graph.reachable([id(next)]);
        if (isNamed) expect(reachable.has(id(old)), `seed ${seed}`).toBe(met.has(old));
      }
    }
  });

  it('gives first parents, oldest first, down to a stop or an unknown commit', () => {
    const graph = new CommitGraph('sha1');
    graph.add(id('d'), [id('c'), id('side')]);
    graph.add(id('c'), [id('b')]);
    graph.add(id('b'), [id('a')]);
    expect(graph.firstParents(id('d'))).toEqual(['b', 'c', 'd'].map(id));
    expect(graph.firstParents(id('d'), (oid) => oid === id('b'))).toEqual(['c', 'd'].map(id));
    expect(graph.firstParents(id('elsewhere'))).toEqual([]);
    graph.add(id('a'), []);
    expect(graph.firstParents(id('d'))).toEqual(['a', 'b', 'c', 'd'].map(id));
  });

  it('grows, and keeps the known first parents', () => {
    const graph = new CommitGraph('sha256');
    const long = (at: number) => createHash('sha256').update(String(at)).digest('hex');
    for (let at = 0; at < 30_000; at++) graph.add(long(at), at === 0 ? [] : [long(at - 1)]);
    graph.add(long(5), []);
    expect(graph.size).toBe(30_000);
    expect(graph.isAncestor(long(0), long(29_999))).toBe('yes');
    expect(graph.isAncestor(long(29_999), long(0))).toBe('no');
    expect(graph.firstParents(long(29_999))).toHaveLength(30_000);
  });
});

function shuffled(size: number, random: SeededRandom): number[] {
  const all = Array.from({ length: size }, (_, at) => at);
  for (let at = size - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [all[at], all[other]] = [all[other] ?? 0, all[at] ?? 0];
  }
  return all;
}

function search(parents: readonly number[][], isLoaded: readonly boolean[], from: number) {
  const met = new Set<number>();
  const stack = [from];
  let complete = true;
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (met.has(at)) continue;
    met.add(at);
    if (isLoaded[at]) stack.push(...(parents[at] ?? []));
    else complete = false;
  }
  return { met, complete };
}
