import { type FileHandle, open, rm } from 'node:fs/promises';
import { CairnError } from '../../lib/errors.ts';
import { openFileRange } from '../local-body.ts';
import type { FileRange, ObjectBody } from '../object-store.ts';
import { encodeHeader, type ObjectHeader } from './file-header.ts';
import type { Fsync } from './folder-sync.ts';
import { diskError } from './object-file.ts';

const COPY_CHUNK_BYTES = 1024 * 1024;

/**
 * Writes an object file to `path`, which must not exist, and makes its content durable. Large bodies pass through one
 * small buffer.
 * @throws CairnError as {@link openFileRange}, or `unavailable` when the disk refuses; the signal's reason when it is
 * aborted. The file is removed in each case.
 */
export async function writeAside(
  path: string,
  header: ObjectHeader,
  body: ObjectBody,
  fsync: Fsync,
  signal: AbortSignal | undefined,
): Promise<void> {
  const source = body instanceof Uint8Array ? undefined : { ...body, handle: await openFileRange(body) };
  try {
    const target = await open(path, 'wx');
    try {
      if (body instanceof Uint8Array) await writeWhole(target, Buffer.concat([encodeHeader(header), body]));
      else await writeWhole(target, encodeHeader(header));
      if (source !== undefined) await copyBytes(source, target, signal);
      await fsync(target);
    } finally {
      await target.close();
    }
    signal?.throwIfAborted();
  } catch (error) {
    await rm(path, { force: true });
    if (signal?.aborted) throw signal.reason;
    throw error instanceof CairnError ? error : diskError(`cannot write ${path}`, error);
  } finally {
    await source?.handle.close();
  }
}

async function copyBytes(
  source: FileRange & { readonly handle: FileHandle },
  target: FileHandle,
  signal: AbortSignal | undefined,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(COPY_CHUNK_BYTES, source.length));
  for (let copied = 0; copied < source.length; ) {
    signal?.throwIfAborted();
    const wanted = Math.min(buffer.length, source.length - copied);
    const { bytesRead } = await source.handle.read(buffer, 0, wanted, source.offset + copied);
    if (bytesRead === 0) throw new CairnError('invalid', `${source.path} became shorter while it was read`);
    await writeWhole(target, buffer.subarray(0, bytesRead));
    copied += bytesRead;
  }
}

/** Repeats partial writes: a disk that is nearly full writes a part and reports it only in the count. */
async function writeWhole(target: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    written += (await target.write(bytes, written)).bytesWritten;
  }
}
