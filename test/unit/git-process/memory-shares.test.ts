import { describe, expect, it } from 'vitest';
import { LARGE, MemoryShares } from '../../../src/git-process/memory-shares.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';

const MIB = 2 ** 20;
/** Of so many objects git's tables take more than half of 64 MiB. */
const MANY = 200_000;

describe('shares of memory', () => {
  it('are never more than the total, however they are taken and given back', () => {
    const seed = 11;
    const random = new SeededRandom(seed);
    const [all, spare] = [20, 4];
    const shares = new MemoryShares(64 * MIB, { all, spare });
    const held: { times: number; processes: number; release(): void }[] = [];
    let refused = 0;
    for (let turn = 0; turn < 5_000; turn++) {
      const [given] = held.splice(random.below(held.length + 1), random.below(3) === 0 ? 1 : 0);
      given?.release();
      given?.release();
      const processes = 1 + random.below(2);
      try {
        const large = random.below(10) === 0;
        const grant = shares.take({ processes, large, objects: random.below(2) * MANY });
        held.push({ ...grant, processes });
      } catch {
        refused++;
      }
      const sum = held.reduce((bytes, { times, processes: count }) => bytes + times * count, 0);
      expect(sum, `turn ${turn}`).toBeLessThanOrEqual(all + spare);
    }
    expect(refused).toBeGreaterThan(0);
  });

  it('are refused as busy if none is left', () => {
    const shares = new MemoryShares(64 * MIB, { all: 3, spare: 0 });
    const first = shares.take({ processes: 2 });
    shares.take({});
    expect(() => shares.take({})).toThrow('too many git processes at once');
    first.release();
    shares.take({ processes: 2 });
  });

  it('are four for a fold, and for very many objects if enough are left', () => {
    const shares = new MemoryShares(64 * MIB, { all: 100, spare: 4 });
    expect(shares.take({ large: true }).times).toBe(LARGE);
    expect(shares.take({ objects: 1_000 }).times).toBe(1);
    const large = shares.take({ objects: MANY });
    expect(large.times).toBe(LARGE);
    expect(shares.take({ objects: MANY }).times).toBe(2);
    expect(shares.take({ objects: MANY }).times).toBe(1);
    large.release();
    expect(shares.take({ processes: 2, objects: MANY }).times).toBe(2);
  });
});
