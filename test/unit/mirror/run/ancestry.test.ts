import { expect, it } from 'vitest';
import { CommitGraph } from '../../../../src/mirror/graph/commit-graph.ts';
import { type AncestryPair, pairKey } from '../../../../src/mirror/plan/plan.ts';
import { ancestryIn } from '../../../../src/mirror/run/ancestry.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { testSeed } from '../../../helpers/test-seed.ts';

const SEED = testSeed();

const idOf = (number: number) => number.toString(16).padStart(40, '0');

/** Commits by number, each after its parents. */
class History {
  readonly parents: readonly (readonly number[])[];
  private readonly reached: Set<number>[] = [];

  constructor(parents: readonly (readonly number[])[]) {
    this.parents = parents;
    for (const [at, own] of parents.entries())
      this.reached.push(new Set([at, ...own.flatMap((parent) => [...(this.reached[parent] ?? [])])]));
  }

  reaches(next: number, old: number): boolean {
    return this.reached[next]?.has(old) === true;
  }

  /** What a server sends: what the wants reach, and those of the haves that it knows do not. */
  readonly graphOf = async (wants: readonly string[], haves: readonly string[]): Promise<CommitGraph> => {
    const graph = new CommitGraph('sha1');
    for (const [at, own] of this.parents.entries()) {
      const isReachedBy = (id: string) => this.reaches(Number.parseInt(id, 16), at);
      if (wants.some(isReachedBy) && !haves.some(isReachedBy)) graph.add(idOf(at), own.map(idOf));
    }
    return graph;
  };
}

async function found(history: History, pairs: readonly (readonly [old: number, next: number])[]) {
  const asked = pairs.map(([old, next]): AncestryPair => ({ old: idOf(old), new: idOf(next) }));
  const known = await ancestryIn(asked, history.graphOf);
  return asked.map(({ old, new: next }) => known.get(pairKey(old, next)));
}

it('an old tip is found behind another old tip', async () => {
  const line = new History([[], [0], [1]]);
  expect(
    await found(line, [
      [0, 2],
      [1, 2],
    ]),
  ).toEqual(['yes', 'yes']);
});

it(`every pair is decided, as the history says (CAIRN_TEST_SEED=${SEED})`, async () => {
  const random = new SeededRandom(SEED);
  for (let round = 0; round < 300; round++) {
    const size = 2 + random.below(14);
    const history = new History(
      Array.from({ length: size }, (_, at) =>
        at === 0 ? [] : [...new Set(Array.from({ length: random.below(3) }, () => random.below(at)))],
      ),
    );
    // Numbers beyond the history are commits that only the other side has.
    const pairs = Array.from(
      { length: 1 + random.below(14) },
      () => [random.below(size + 2), random.below(size)] as const,
    ).filter(([old, next]) => old !== next);
    const truth = pairs.map(([old, next]) => (history.reaches(next, old) ? 'yes' : 'no'));
    expect(await found(history, pairs)).toEqual(truth);
  }
});
