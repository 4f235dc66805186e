/**
 * Like `Promise.all`, but waits for every task even when one fails: when it returns, no task still uses what the caller
 * cleans up next.
 * @throws the error of the first failed task, in the order given
 */
export async function allSettledOrThrow<T extends readonly unknown[]>(
  tasks: {
    readonly [K in keyof T]: Promise<T[K]>;
  },
): Promise<T> {
  const results = await Promise.allSettled(tasks);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as unknown as T;
}
