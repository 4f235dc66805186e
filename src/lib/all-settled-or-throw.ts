/**
 * Like `Promise.all`, but waits for every task even when one fails: nothing is still at work on what the caller cleans
 * up next.
 * @throws the error of the first task, in the order given, that failed
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
