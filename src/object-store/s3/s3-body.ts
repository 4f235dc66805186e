import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { abortReason } from '../abort.ts';
import { openFileRange, streamFile } from '../local-body.ts';
import type { ObjectBody } from '../object-store.ts';

/** A body, opened once, that is sent in one or several parts. */
export interface OpenBody {
  /** The bytes of a part; a new stream for each attempt. */
  part(offset: number, length: number): Uint8Array | Readable;
  close(): Promise<void>;
}

/** Opens a body for sending. Errors as in `openFileRange`. */
export async function openBody(body: ObjectBody): Promise<OpenBody> {
  if (body instanceof Uint8Array) {
    return {
      part: (offset, length) => body.subarray(offset, offset + length),
      close: async () => undefined,
    };
  }
  const handle = await openFileRange(body);
  return {
    part: (offset, length) =>
      length === 0 ? new Uint8Array() : streamFile(handle, body.offset + offset, length),
    close: () => handle.close(),
  };
}

/**
 * Runs one request with a body. When the local file fails, the caller aborts, or the store answers before it has read
 * everything, this ends both the request and the stream. Neither the SDK nor `pipe` does that.
 */
export async function sendPart<T>(
  part: Uint8Array | Readable,
  signal: AbortSignal | undefined,
  send: (part: Uint8Array | Readable, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const onAbort = () => abort.abort(signal === undefined ? undefined : abortReason(signal));
  if (signal?.aborted) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  const stream = part instanceof Uint8Array ? undefined : part;
  const onError = (error: Error) => abort.abort(error);
  stream?.on('error', onError);
  try {
    return await send(part, abort.signal);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    if (stream !== undefined && !stream.readableEnded)
      abort.abort(new Error('the store answered before it read the whole body'));
    if (stream !== undefined && !stream.closed) {
      stream.destroy();
      // The last read must end before the file is closed.
      await once(stream, 'close');
    }
  }
}
