import type { OpenedArtifact } from '../../browse/fossil/fossil-view.ts';
import type { FileBytes } from '../../lib/file-bytes.ts';

/** Bytes that are read at once. */
const STEP = 1 << 16;

/**
 * A part of a large content as a body.
 * @param opened is disposed of at the end of the body, and when `signal` is aborted
 */
export function artifactStream(
  part: FileBytes,
  opened: OpenedArtifact,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  let closing: Promise<void> | undefined;
  const close = async () => {
    signal.removeEventListener('abort', onGone);
    closing ??= Promise.resolve(opened[Symbol.asyncDispose]());
    await closing;
  };
  // A failure to close is of no use to a visitor who has gone.
  const onGone = () => void close().catch(() => undefined);
  signal.addEventListener('abort', onGone);
  let at = 0;
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      try {
        const bytes = await part.read(at, at + STEP);
        at += bytes.length;
        if (bytes.length > 0)
          controller.enqueue(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
        if (at < part.length) return;
        controller.close();
        await close();
      } catch (error) {
        await close();
        throw error;
      }
    },
    cancel: close,
  });
}
