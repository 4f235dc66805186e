import { expect, it } from 'vitest';
import { PriorityQueue } from '../../../src/lib/priority-queue.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { testSeed } from '../../helpers/test-seed.ts';

it('items leave by rank, and those of equal rank in the order in which they were added', () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const queue = new PriorityQueue<number>();
  const model: { item: number; rank: number }[] = [];
  for (let item = 0; item < 20_000; item++) {
    if (random.below(100) < (item % 2_000 < 1_000 ? 60 : 40)) {
      const rank = random.below(30);
      queue.add(item, rank);
      const at = model.findIndex((other) => other.rank < rank);
      model.splice(at === -1 ? model.length : at, 0, { item, rank });
    } else {
      expect(queue.take(), `seed ${seed}`).toBe(model.shift()?.item);
    }
    expect(queue.size).toBe(model.length);
  }
  for (const { item } of model) expect(queue.take(), `seed ${seed}`).toBe(item);
  expect(queue.take()).toBeUndefined();
});
