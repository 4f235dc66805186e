import { describe, expect, it } from 'vitest';
import { Stops } from '../../../../src/mirror/batches/stops.ts';
import { CommitGraph } from '../../../../src/mirror/graph/commit-graph.ts';
import type { PlannedRef } from '../../../../src/mirror/plan/plan.ts';

/** An object id for a letter. */
function id(letter: string): string {
  return letter.charCodeAt(0).toString(16).padStart(2, '0').repeat(20);
}

function letters(oids: readonly string[]): string {
  return oids.map((oid) => String.fromCharCode(Number.parseInt(oid.slice(0, 2), 16))).join('');
}

/** @param commits `ab` for a commit a with the parent b */
function graphOf(...commits: string[]): CommitGraph {
  const graph = new CommitGraph('sha1');
  for (const [commit = '', ...parents] of commits.map((text) => [...text]))
    graph.add(id(commit), parents.map(id));
  return graph;
}

function ref(letter: string, name = letter): PlannedRef {
  const kind = 'branch';
  const target = `refs/heads/${name}`;
  return { kind, source: target, target, oldId: id('0'), newId: id(letter), action: 'create', reason: '' };
}

function stopsFor(graph: CommitGraph, refs: readonly PlannedRef[], peeled: Record<string, string> = {}) {
  return new Stops(graph, refs, ({ newId }) => {
    const commit = peeled[letters([newId])];
    return commit === undefined ? newId : id(commit);
  });
}

/** Ids of the stops that are left; those that end a ref in capitals. */
function stopsOf(of: Stops): string {
  return of
    .next(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)
    .map((stop) => (stop.ref === undefined ? letters([stop.oid]) : letters([stop.oid]).toUpperCase()))
    .join('');
}

describe('stops of a batch', () => {
  it.each<[string, string[], string[], Record<string, string>, string]>([
    ['are the first-parent chain, oldest first', ['a', 'ba', 'cbx', 'xa'], ['c'], {}, 'abC'],
    ['end where the target has the rest', ['ba', 'cb'], ['c'], {}, 'bC'],
    ['of a second branch begin where the first ends', ['a', 'ba', 'ca', 'dc'], ['b', 'd'], {}, 'aBcD'],
    ['of a branch that is in another are the branch alone', ['a', 'ba', 'cb'], ['c', 'a'], {}, 'abCA'],
    ['of equal branches are one chain', ['a', 'ba'], ['b', 'b'], {}, 'aBB'],
    ['of an annotated tag end with the tag', ['a', 'ba', 'cb'], ['a', 't'], { t: 'c' }, 'AbcT'],
    ['of a tag on what is there are the tag alone', ['a', 'ba'], ['b', 't'], { t: 'a' }, 'aBT'],
    ['of what is no commit are the ref alone', ['a'], ['a', 'z'], {}, 'AZ'],
    ['of a merge leave out what another ref brings', ['a', 'sa', 'ba', 'mbs'], ['s', 'm'], {}, 'aSbM'],
    ['are none for no refs', ['a'], [], {}, ''],
  ])('%s', (_, commits, tips, peeled, stops) => {
    const refs = tips.map((tip, at) => ref(tip, `${tip}${at}`));
    expect(stopsOf(stopsFor(graphOf(...commits), refs, peeled))).toBe(stops);
  });

  it('come a few at a time, and with at most as many refs as a push may have', () => {
    const of = stopsFor(graphOf('a', 'ba', 'cb', 'dc'), [ref('d'), ref('a'), ref('b'), ref('c')]);
    expect(letters(of.next(2, 5).map(({ oid }) => oid))).toBe('ab');
    of.reach(2);
    expect(of.left).toBe(5);
    expect(letters(of.next(9, 2).map(({ oid }) => oid))).toBe('cda');
    expect(letters(of.next(0, 2).map(({ oid }) => oid))).toBe('c');
    of.reach(3);
    expect(of.refs.map(({ target }) => target)).toEqual(['refs/heads/b', 'refs/heads/c']);
  });
});

describe('a merge that is too large for a pack', () => {
  it('is sent after its merged commits, in a chain of their own', () => {
    const of = stopsFor(graphOf('a', 'xa', 'yx', 'zy', 'maz', 'nm'), [ref('n')]);
    expect(stopsOf(of)).toBe('amN');
    expect(of.canTakeApart).toBe(false);
    of.reach(1);
    expect(of.canTakeApart).toBe(true);
    expect(of.takeApart()).toBe(true);
    expect(stopsOf(of)).toBe('xyzmN');
    const chains = of.next(9, 9).map(({ chain }) => chain);
    expect(new Set(chains.slice(0, 3)).size).toBe(1);
    expect(chains[3]).toBe(chains[4]);
    expect(chains[0]).not.toBe(chains[3]);
    of.reach(3);
    expect(of.canTakeApart).toBe(false);
    expect(of.takeApart()).toBe(false);
    expect(stopsOf(of)).toBe('mN');
  });

  it('is divided again within its merged commits, once for each of many parents', () => {
    const of = stopsFor(graphOf('a', 'pa', 'qa', 'rqp', 'sp', 'mars'), [ref('m')]);
    of.reach(1);
    expect(of.takeApart()).toBe(true);
    expect(stopsOf(of)).toBe('qrsM');
    of.reach(1);
    expect(of.takeApart()).toBe(true);
    expect(stopsOf(of)).toBe('prsM');
  });
});
