import { createHash, type Hash } from 'node:crypto';
import {
  beginUploadResponse,
  encodePackHeader,
  encodeUploadResponse,
  endUploadResponse,
  hexLength,
  type ObjectFormat,
  PackFrame,
  packHeaderLength,
} from '../../git/index.ts';
import { allSettledOrThrow } from '../../lib/all-settled-or-throw.ts';
import { publicTextOf } from '../../lib/errors.ts';
import type { ArtifactStream } from '../../repository/cache/artifact-stream.ts';
import type { ArtifactRef } from '../../repository/manifest.ts';
import type { Output } from '../output.ts';
import { Reused } from '../reused.ts';
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
    const frames = new Reused(() => new PackFrame(form, concatenatedSize(parts, format)));
    const pieces = new StoredPack(parts, streams, format, frames).pieces();
    const nextPiece = () => unlessAborted(pieces.next(), signal);
    // The response starts only when the first bytes are available: until then an error can have an HTTP status.
    let piece = await nextPiece();
    const head = [beginUploadResponse(form)];
    if (progress) head.push(encodeUploadResponse(form, 2, announcement(parts)));
    let isConnected = await output.write(Buffer.concat(head));
    try {
      while (isConnected && !piece.done) {
        isConnected = (await output.write(piece.value)) && (await frames.written(output));
        if (isConnected) piece = await nextPiece();
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
class StoredPack {
  private readonly parts: readonly PackPart[];
  private readonly streams: readonly ArtifactStream[];
  private readonly format: ObjectFormat;
  private readonly frames: Reused<PackFrame>;

  constructor(
    parts: readonly PackPart[],
    streams: readonly ArtifactStream[],
    format: ObjectFormat,
    frames: Reused<PackFrame>,
  ) {
    this.parts = parts;
    this.streams = streams;
    this.format = format;
    this.frames = frames;
  }

  /** The pack in the form of the response. A piece must have been {@link Reused.written} before the next one is read. */
  pieces(): AsyncGenerator<Buffer, void, undefined> {
    const [part, stream] = [this.parts[0], this.streams[0]];
    return part !== undefined && stream !== undefined && this.parts.length === 1
      ? this.only(part, stream)
      : this.concatenated();
  }

  private async *only({ end }: PackPart, stream: ArtifactStream): AsyncGenerator<Buffer, void, undefined> {
    if (end + hexLength(this.format) / 2 !== stream.size)
      throw new TypeError('a part of a pack cannot be sent alone');
    yield* this.read(stream, 0, end);
    await stream.verified;
    yield* this.read(stream, end, stream.size);
  }

  private async *concatenated(): AsyncGenerator<Buffer, void, undefined> {
    const hash = createHash(this.format);
    const header = encodePackHeader(this.parts.reduce((sum, { objects }) => sum + objects, 0));
    hash.update(header);
    yield this.put(header);
    for (const [at, stream] of this.streams.entries()) {
      yield* this.read(stream, packHeaderLength, this.parts[at]?.end ?? 0, hash);
    }
    await allSettledOrThrow(this.streams.map(({ verified }) => verified));
    yield this.put(hash.digest());
  }

  /** @param hash of all that is read */
  private async *read(
    stream: ArtifactStream,
    from: number,
    to: number,
    hash?: Hash,
  ): AsyncGenerator<Buffer, void, undefined> {
    for (let at = from; at < to; ) {
      const frame = this.frames.memory;
      const length = await stream.read(frame.places, at, to);
      if (hash !== undefined) for (const data of frame.data(length)) hash.update(data);
      yield frame.encode(length);
      at += length;
    }
  }

  private put(data: Buffer): Buffer {
    const frame = this.frames.memory;
    return frame.encode(frame.put(data));
  }
}

/** Bytes of the pack that a client gets, at most. */
function concatenatedSize(parts: readonly PackPart[], format: ObjectFormat): number {
  return parts.reduce((sum, { end }) => sum + end, packHeaderLength) + hexLength(format) / 2;
}

function announcement(parts: readonly PackPart[]): string {
  const objects = parts.reduce((sum, part) => sum + part.objects, 0);
  return `Sending ${objects} objects as they are stored.\n`;
}
