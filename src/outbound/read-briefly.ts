/**
 * Reads a stream of which nothing more is needed, for a short time: up to a number of bytes, and as long as they come soon. Then it is
 * ended, whatever is left. An answer that is read to its end leaves its connection to the next request.
 * @param chunks the data; errors end it as well, because its context is not needed
 * @returns what was read
 */
export async function readBriefly(
  chunks: AsyncIterator<Buffer>,
  { bytes, milliseconds }: { readonly bytes: number; readonly milliseconds: number },
): Promise<Buffer> {
  const read: Buffer[] = [];
  let left = bytes;
  const reading = async () => {
    try {
      for (let step = await chunks.next(); !step.done && left > 0; step = await chunks.next()) {
        read.push(step.value.subarray(0, left));
        left -= step.value.length;
        if (left <= 0) return;
      }
    } catch {
      // What was read until then is all there is.
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([reading(), late]);
  clearTimeout(timer);
  left = 0;
  const all = Buffer.concat(read);
  await chunks.return?.();
  return all;
}
