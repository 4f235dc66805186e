import { allSettledOrThrow } from './all-settled-or-throw.ts';

/**
 * Runs a task for every item, at most `width` at once, and waits for all of them even when one fails.
 * @returns the results in the order of the items
 * @throws the error of the first item, in order, whose task failed
 */
export async function concurrently<T, R>(
  items: readonly T[],
  width: number,
  task: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: Promise<R>[] = [];
  const queue = items.entries();
  const work = async () => {
    // Workers share one iterator, so that each item is taken once.
    for (const [at, item] of queue) {
      const result = task(item);
      results[at] = result;
      await result.catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, work));
  return allSettledOrThrow(results);
}
