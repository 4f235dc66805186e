import { createHash } from 'node:crypto';
import {
  beginUploadResponse,
  encodePackHeader,
  encodeUploadResponse,
  endUploadResponse,
  hexLength,
  type ObjectFormat,
  packHeaderLength,
} from '../../git/index.ts';
import { allSettledOrThrow } from '../../lib/all-settled-or-throw.ts';
import { publicTextOf } from '../../lib/errors.ts';
import type { ArtifactStream } from '../../repository/cache/artifact-stream.ts';
import type { ArtifactRef } from '../../repository/manifest.ts';
import type { Output } from '../output.ts';
import type { PackPart, StoredResponse } from './plan.ts';

/** Opens a stored pack, which may still be downloading. */
export type OpenPack = (pack: ArtifactRef) => Promise<ArtifactStream>;

/**
 * Sends stored packs as one pack, each byte as soon as it is available. The end of the pack is sent only after the digest of
 * every pack has been checked, so a pack that a client receives completely is correct.
 *
 * @returns the error, if one was reported to the client on side-band 3; undefined on success
 * @throws CairnError `corrupt` or `unavailable` before anything is written; also later if there is no side-band to report it:
 *   then the caller must break off the response
 */
export async function sendStoredResponse(
  response: StoredResponse,
  format: ObjectFormat,
  open: OpenPack,
  output: Output,
  signal: AbortSignal,
): Promise<unknown> {
  const { form, parts, progress } = response;
  const streams = await openAll(parts, open);
  try {
    const pack = packBytes(parts, streams, format);
    const nextBytes = () => unlessAborted(pack.next(), signal);
    // The response starts only when the first bytes are available: until then an error can have an HTTP status.
    let bytes = await nextBytes();
    const head = [beginUploadResponse(form)];
    if (progress) head.push(encodeUploadResponse(form, 2, announcement(parts)));
    let isConnected = await output.write(Buffer.concat(head));
    try {
      while (isConnected && !bytes.done) {
        isConnected = await output.write(encodeUploadResponse(form, 1, bytes.value));
        bytes = await nextBytes();
      }
    } catch (error) {
      signal.throwIfAborted();
      if (form.sideband === undefined) throw error;
      await output.write(encodeUploadResponse(form, 3, `${publicTextOf(error)}\n`));
      return error;
    }
    const end = endUploadResponse(form);
    if (isConnected && end.length > 0) await output.write(end);
    return undefined;
  } finally {
    for (const stream of streams) stream.release();
  }
}

/** Waits for a step until the client has gone. The step itself goes on: a download is kept in the cache. */
async function unlessAborted<T>(step: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let leave: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    leave = () => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
  });
  try {
    return await Promise.race([step, aborted]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

async function openAll(parts: readonly PackPart[], open: OpenPack): Promise<ArtifactStream[]> {
  const opening = parts.map(({ pack }) => open(pack));
  try {
    return await allSettledOrThrow(opening);
  } catch (error) {
    for (const opened of await Promise.allSettled(opening)) {
      if (opened.status === 'fulfilled') opened.value.release();
    }
    throw error;
  }
}

/** The pack that a client gets. A single whole pack is sent unchanged; several get a common header and trailer. */
async function* packBytes(
  parts: readonly PackPart[],
  streams: readonly ArtifactStream[],
  format: ObjectFormat,
): AsyncGenerator<Buffer, void, undefined> {
  const [part, stream] = [parts[0], streams[0]];
  if (part !== undefined && stream !== undefined && parts.length === 1) {
    if (part.end + hexLength(format) / 2 !== stream.size)
      throw new TypeError('a part of a pack cannot be sent alone');
    yield* stream.bytes(0, part.end);
    await stream.verified;
    yield* stream.bytes(part.end, stream.size);
    return;
  }
  const hash = createHash(format);
  const header = encodePackHeader(parts.reduce((sum, { objects }) => sum + objects, 0));
  hash.update(header);
  yield header;
  for (const [at, stream] of streams.entries()) {
    for await (const bytes of stream.bytes(packHeaderLength, parts[at]?.end ?? 0)) {
      hash.update(bytes);
      yield bytes;
    }
  }
  await allSettledOrThrow(streams.map(({ verified }) => verified));
  yield hash.digest();
}

function announcement(parts: readonly PackPart[]): string {
  const objects = parts.reduce((sum, part) => sum + part.objects, 0);
  return `Sending ${objects} objects as they are stored.\n`;
}
