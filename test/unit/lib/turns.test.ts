import { expect, it } from 'vitest';
import { inTurns } from '../../../src/lib/turns.ts';

it('pieces are all that there is, in order', async () => {
  const pieces: number[][] = [];
  for await (const piece of inTurns([1, 2, 3, 4, 5], 2)) pieces.push([...piece]);
  expect(pieces).toEqual([[1, 2], [3, 4], [5]]);
});
