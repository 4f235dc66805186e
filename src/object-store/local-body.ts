import { type FileHandle, open } from 'node:fs/promises';
import { CairnError, messageOf } from '../lib/errors.ts';
import type { FileRange } from './object-store.ts';

/**
 * Opens the file of a body and makes sure that it has the bytes named, before anything is sent.
 * @returns an open handle, the caller's to close
 * @throws CairnError `unavailable` when it cannot be read, `invalid` when it is too short
 */
export async function openFileRange(body: FileRange): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(body.path, 'r');
  } catch (error) {
    throw new CairnError('unavailable', `cannot read the local file ${body.path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  try {
    const { size } = await handle.stat();
    if (body.offset < 0 || body.length < 0 || body.offset + body.length > size) {
      throw new CairnError(
        'invalid',
        `bytes ${body.offset} to ${body.offset + body.length} are not in ${body.path}, which has ${size}`,
      );
    }
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Reads a small range of a file whole. Errors as {@link openFileRange}. */
export async function readFileRange(body: FileRange): Promise<Buffer> {
  const handle = await openFileRange(body);
  try {
    const bytes = Buffer.alloc(body.length);
    let filled = 0;
    while (filled < body.length) {
      const { bytesRead } = await handle.read(bytes, filled, body.length - filled, body.offset + filled);
      if (bytesRead === 0) throw new CairnError('invalid', `${body.path} became shorter while it was read`);
      filled += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}
