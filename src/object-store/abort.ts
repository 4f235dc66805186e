import type { Readable } from 'node:stream';

/** The reason of an aborted signal as an error, which is what a stream can be destroyed with. */
export function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason));
}

/** Destroys `body` with the signal's reason when it is aborted before the body has ended. */
export function stopOnAbort(body: Readable, signal: AbortSignal | undefined): Readable {
  if (signal === undefined) return body;
  const stop = () => body.destroy(abortReason(signal));
  if (signal.aborted) stop();
  else {
    signal.addEventListener('abort', stop, { once: true });
    body.once('close', () => signal.removeEventListener('abort', stop));
  }
  return body;
}
