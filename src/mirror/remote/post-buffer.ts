import type { RequestBody } from '../../outbound/request-body.ts';

import { SentBody } from '../../outbound/sent-body.ts';

/** Bytes of a body that are collected before it is sent: as much as git collects (`http.postBuffer`). */
export const postBufferBytes = 1024 * 1024;

/**
 * Reads the beginning of a body. One that ends within {@link postBufferBytes} becomes a buffer: it is sent with its length, which some
 * servers insist on, and can be sent again. Of a longer one, the first bytes are there when the request begins, so that no server
 * waits for them.
 * @throws what the body throws; the signal's reason; the body is closed then
 */
export async function collectStart(body: AsyncIterable<Buffer>, signal: AbortSignal): Promise<RequestBody> {
  const source = new SentBody(body);
  const aborted = abortOf(signal);
  const start: Buffer[] = [];
  let size = 0;
  try {
    while (size <= postBufferBytes) {
      const chunk = await Promise.race([source.next(), aborted.promise]);
      signal.throwIfAborted();
      if (chunk === undefined) {
        if (source.failure !== undefined) throw source.failure.error;
        return Buffer.concat(start, size);
      }
      start.push(chunk);
      size += chunk.length;
    }
    return continued(start, source);
  } catch (error) {
    source.close();
    throw error;
  } finally {
    aborted.stop();
  }
}

function abortOf(signal: AbortSignal): { readonly promise: Promise<undefined>; readonly stop: () => void } {
  let onAbort: () => void = () => undefined;
  const promise = new Promise<undefined>((resolve) => {
    onAbort = () => resolve(undefined);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
  return { promise, stop: () => signal.removeEventListener('abort', onAbort) };
}

/** A body whose first bytes were read already. */
function continued(start: Buffer[], source: SentBody): AsyncIterable<Buffer> {
  const iterator: AsyncIterator<Buffer> = {
    async next() {
      const value = start.shift() ?? (await source.next());
      if (value !== undefined) return { done: false, value };
      if (source.failure !== undefined) throw source.failure.error;
      return { done: true, value: undefined };
    },
    async return() {
      start.length = 0;
      source.close();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
