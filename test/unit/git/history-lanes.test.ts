import { expect, it } from 'vitest';
import { historyLanes, type Lanes, MOST_LANES } from '../../../src/git/history-lanes.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';

const commit = (oid: string, ...parents: string[]) => ({ oid, parents });

/** Follows lines down from a commit. @returns places of the commits that they end at */
function reached({ rows }: Lanes, from: number): number[] {
  const found: number[] = [];
  const start = (rows[from]?.lines ?? []).filter(({ part }) => part === 'lower').map(({ to }) => to);
  for (let lane of start) {
    for (let at = from + 1; at < rows.length; at++) {
      const line = rows[at]?.lines.find((one) => one.part !== 'lower' && one.from === lane);
      expect(line, `lane ${lane} at ${at}`).toBeDefined();
      if (line?.part === 'upper') {
        expect(line.to).toBe(rows[at]?.lane);
        found.push(at);
        break;
      }
      lane = line?.to ?? lane;
    }
  }
  return found.sort((a, b) => a - b);
}

it('a history without merges has one lane, and a merge opens another one up to the common commit', () => {
  expect(historyLanes([commit('a', 'b'), commit('b')]).width).toBe(1);
  const lanes = historyLanes([commit('m', 'a', 'b'), commit('b', 'r'), commit('a', 'r'), commit('r')]);
  expect([lanes.width, lanes.rows.map(({ lane }) => lane)]).toEqual([2, [0, 1, 0, 0]]);
  expect(reached(lanes, 0)).toEqual([1, 2]);
});

it('every commit is connected with its parents in random histories', () => {
  const seed = 63;
  const random = new SeededRandom(seed);
  for (let round = 0; round < 300; round++) {
    const count = 1 + random.below(25);
    const commits = Array.from({ length: count }, (_, at) => {
      const later = Array.from({ length: random.below(3) }, () => at + 1 + random.below(6));
      return commit(String(at), ...new Set(later.map(String)));
    });
    const lanes = historyLanes(commits);
    expect(lanes.rows).toHaveLength(count);
    if (lanes.width >= MOST_LANES) continue;
    commits.forEach(({ parents }, at) => {
      const below = parents.map(Number).filter((parent) => parent < count);
      expect(reached(lanes, at), `seed ${seed}, round ${round}`).toEqual(below.sort((a, b) => a - b));
    });
  }
});

it('the number of lanes is bounded, and parents above a commit are left out', () => {
  const many = Array.from({ length: 50 }, (_, at) => `p${at}`);
  expect(historyLanes([commit('a', ...many), ...many.map((oid) => commit(oid))]).width).toBe(MOST_LANES);
  expect(historyLanes(many.map((oid) => commit(oid, `${oid}x`))).width).toBe(MOST_LANES);
  expect(historyLanes([commit('a'), commit('b', 'a')]).rows[1]?.lines).toEqual([]);
});
