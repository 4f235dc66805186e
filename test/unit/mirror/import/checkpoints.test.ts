import { describe, expect, it } from 'vitest';
import { CommitGraph } from '../../../../src/mirror/graph/commit-graph.ts';
import { commitsOfPiece, planCheckpoints } from '../../../../src/mirror/import/checkpoints.ts';
import { temporaryRef } from '../../../../src/mirror/import/temporary-refs.ts';

const id = (number: number) => number.toString(16).padStart(40, '0');

/** Commits by their numbers, each with those of its parents. */
function graphOf(commits: Readonly<Record<number, readonly number[]>>): CommitGraph {
  const graph = new CommitGraph('sha1');
  for (const [commit, parents] of Object.entries(commits)) graph.add(id(Number(commit)), parents.map(id));
  return graph;
}

/** A line of commits from 1 up, over one that is here already. */
const line = (length: number) =>
  graphOf(Object.fromEntries(Array.from({ length }, (_, at) => [at + 1, [at]])));

describe('checkpoints', () => {
  it('have the distance that the objects of a piece need', () => {
    expect(commitsOfPiece(1_000, { objects: 10_000_000, each: 1_000_000 })).toBe(100);
    expect(commitsOfPiece(10, { objects: 1_000, each: 50 })).toBe(1);
  });

  it('are at most 200, whatever number of objects the source states', () => {
    const commits = commitsOfPiece(1_999, { objects: 2 ** 32 - 1, each: 1 });
    expect(commits).toBe(10);
    expect(planCheckpoints(line(1_999), [{ name: 'main', oid: id(1_999) }], commits)).toHaveLength(199);
  });

  it('divide a history into pieces, oldest first, and leave the rest to the last pack', () => {
    const plan = planCheckpoints(line(10), [{ name: 'main', oid: id(10) }], 4);
    expect(plan).toEqual([[{ name: 'main', oid: id(4) }], [{ name: 'main', oid: id(8) }]]);
  });

  it('do not divide a merge, and count its objects', () => {
    const graph = graphOf({ 1: [], 2: [1], 11: [1], 12: [11], 13: [12], 3: [2, 13], 4: [3] });
    const plan = planCheckpoints(graph, [{ name: 'main', oid: id(4) }], 3);
    expect(plan).toEqual([[{ name: 'main', oid: id(3) }]]);
  });

  it('continue on other branches, and end at several commits if one branch was too short', () => {
    const graph = graphOf({ 1: [], 2: [1], 3: [2], 11: [2], 12: [11], 13: [12], 21: [1] });
    const tips = [
      { name: 'main', oid: id(3) },
      { name: 'short', oid: id(21) },
      { name: 'side', oid: id(13) },
      { name: 'same', oid: id(13) },
    ];
    expect(planCheckpoints(graph, tips, 5)).toEqual([
      [
        { name: 'main', oid: id(3) },
        { name: 'short', oid: id(21) },
        { name: 'side', oid: id(11) },
      ],
    ]);
  });

  it('are none if nothing is missing, or if a tip is not a commit', () => {
    expect(planCheckpoints(graphOf({}), [{ name: 'main', oid: id(1) }], 1)).toEqual([]);
  });
});

it('the temporary ref of a ref always has the same name', () => {
  expect(temporaryRef('refs/heads/a/b')).toBe(temporaryRef('refs/heads/a/b'));
  expect(temporaryRef('refs/heads/a')).not.toBe(temporaryRef('refs/heads/a/b'));
  expect(temporaryRef('refs/heads/ü?')).toMatch(/^refs\/cairn-mirror\/import\/[0-9a-f]{16}$/);
});
