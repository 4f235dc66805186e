import type { Output } from '../transfer/output.ts';

/**
 * Makes the written data the body of a response. The writer waits while the client reads slowly.
 * @param signal aborted when the visitor has gone
 * @param write writes everything, and stops when its signal is aborted or a write returns false
 * @returns after the first byte, so that an earlier error can still have its own response
 * @throws what `write` throws before its first byte; later errors abort the body
 */
export function streamedBody(
  signal: AbortSignal,
  write: (output: Output, signal: AbortSignal) => Promise<unknown>,
): Promise<ReadableStream<Uint8Array>> {
  return new Promise((resolve, reject) => {
    const leaving = new AbortController();
    const gone = AbortSignal.any([signal, leaving.signal]);
    let wake: () => void = () => undefined;
    gone.addEventListener('abort', () => wake(), { once: true });
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const output: Output = {
          write: async (chunk) => {
            if (gone.aborted) return false;
            controller.enqueue(chunk);
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
              controller.error(error);
              reject(error);
            },
          );
      },
      pull: () => wake(),
      cancel: (reason) => leaving.abort(reason),
    });
  });
}
