import { expect, it } from 'vitest';
import { allSettledOrThrow } from '../../../src/lib/all-settled-or-throw.ts';

it('all results are returned in order', async () => {
  expect(await allSettledOrThrow([Promise.resolve(1), Promise.resolve('two')])).toEqual([1, 'two']);
  expect(await allSettledOrThrow([])).toEqual([]);
});

it('the first error in order is thrown after everything has ended', async () => {
  let ended = false;
  const slow = new Promise<void>((resolve) =>
    setTimeout(() => {
      ended = true;
      resolve();
    }, 20),
  );
  const first = slow.then(() => Promise.reject(new Error('first')));
  const failing = allSettledOrThrow([first, Promise.reject(new Error('second'))]);
  await expect(failing).rejects.toThrow('first');
  expect(ended).toBe(true);
});
