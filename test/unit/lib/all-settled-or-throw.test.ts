import { expect, it } from 'vitest';
import { settleAll } from '../../../src/lib/all-settled-or-throw.ts';

it('returns every result in order', async () => {
  expect(await settleAll([Promise.resolve(1), Promise.resolve('two')])).toEqual([1, 'two']);
  expect(await settleAll([])).toEqual([]);
});

it('fails only when everything has ended, with the first error in order', async () => {
  let ended = false;
  const slow = new Promise<void>((resolve) =>
    setTimeout(() => {
      ended = true;
      resolve();
    }, 20),
  );
  const first = slow.then(() => Promise.reject(new Error('first')));
  const failing = settleAll([first, Promise.reject(new Error('second'))]);
  await expect(failing).rejects.toThrow('first');
  expect(ended).toBe(true);
});
