/**
 * Gives `head`, then what an iterator has left. To end the iteration ends the iterator, whether or not anything was read; a generator that
 * was not begun would not do that.
 */
export function prefixed(head: Buffer, rest: AsyncIterator<Buffer>): AsyncIterable<Buffer> {
  let first: Buffer | undefined = head;
  const iterator: AsyncIterator<Buffer> = {
    next: async () => {
      if (first === undefined) return rest.next();
      const value = first;
      first = undefined;
      return { done: false, value };
    },
    return: async () => {
      first = undefined;
      await rest.return?.();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
