import type { Output } from '../transfer/output.ts';

/**
 * Makes the written data the body of a response. The writer waits while the client reads slowly.
 * @param signal aborted when the visitor has gone
 * @param write writes everything, and stops when its signal is aborted or a write returns false
 * @param breakOff ends the connection after an error in the middle, so that the response does not look complete, and logs the error;
 *   without it the body ends with the error
 * @returns after the first byte, so that an earlier error can still have its own response
 * @throws what `write` throws before its first byte
 */
export function streamedBody(
  signal: AbortSignal,
  write: (output: Output, signal: AbortSignal) => Promise<unknown>,
  breakOff?: (error: unknown) => void,
): Promise<ReadableStream<Uint8Array>> {
  return new Promise((resolve, reject) => {
    const leaving = new AbortController();
    const gone = AbortSignal.any([signal, leaving.signal]);
    let wake: () => void = () => undefined;
    let begun = false;
    gone.addEventListener('abort', () => wake(), { once: true });
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const output: Output = {
          write: async (chunk) => {
            if (gone.aborted) return false;
            controller.enqueue(chunk);
            begun = true;
            resolve(body);
            while (!gone.aborted && (controller.desiredSize ?? 0) <= 0) {
              await new Promise<void>((roomed) => {
                wake = roomed;
              });
            }
            return !gone.aborted;
          },
        };
        // In a later turn: `body` is not there yet.
        Promise.resolve()
          .then(() => write(output, gone))
          .then(
            () => {
              if (!gone.aborted) controller.close();
              resolve(body);
            },
            (error: unknown) => {
              reject(error);
              // hono would print the error on standard error, beside the log, and write its text into the response.
              if (!begun || breakOff === undefined) controller.error(error);
              else if (!gone.aborted) {
                breakOff(error);
                controller.close();
              }
            },
          );
      },
      pull: () => wake(),
      cancel: (reason) => leaving.abort(reason),
    });
  });
}
