import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { isDiskFull } from '../../lib/disk-full.ts';
import { CairnError, messageOf, systemCode } from '../../lib/errors.ts';
import { bareVersion, decodeHeader, HEADER_BYTES, type ObjectHeader } from './file-header.ts';

const STREAM_CHUNK_BYTES = 256 * 1024;

/** Read together with the header, so that a small object costs one read. */
export const FIRST_READ_BYTES = HEADER_BYTES + 16 * 1024;

/** An open object file. Its holder closes `handle`, or takes the body, which closes it. */
export interface OpenObject extends ObjectHeader {
  readonly handle: FileHandle;
  /** Where the body begins in the file. */
  readonly bodyAt: number;
  /** The beginning of the body, as far as the first read reached. */
  readonly beginning: Buffer;
}

/**
 * Opens an object file and reads its first `firstRead` bytes, at least the header.
 * @returns undefined when there is no such file
 * @throws CairnError `corrupt` when its length differs from its header, `unavailable` when it cannot be read
 */
export async function openObjectFile(path: string, firstRead: number): Promise<OpenObject | undefined> {
  const handle = await openToRead(path);
  if (handle === undefined) return undefined;
  try {
    const buffer = Buffer.allocUnsafe(firstRead);
    const { bytesRead } = await handle.read(buffer, 0, firstRead, 0);
    const header = decodeHeader(buffer.subarray(0, bytesRead), path);
    const stored = bytesRead < firstRead ? bytesRead : (await handle.stat()).size;
    if (stored !== HEADER_BYTES + header.size) {
      throw new CairnError(
        'corrupt',
        `${path} is damaged: it has ${stored - HEADER_BYTES} bytes of ${header.size}`,
      );
    }
    return { ...header, handle, bodyAt: HEADER_BYTES, beginning: buffer.subarray(HEADER_BYTES, bytesRead) };
  } catch (error) {
    await handle.close();
    throw error instanceof CairnError ? error : diskError(`cannot read ${path}`, error);
  }
}

/**
 * Opens an object file that has no header.
 * @returns undefined when there is no such file
 * @throws CairnError `unavailable` when it cannot be read
 */
export async function openBareFile(path: string, key: string): Promise<OpenObject | undefined> {
  const handle = await openToRead(path);
  if (handle === undefined) return undefined;
  try {
    const { size } = await handle.stat();
    return { version: bareVersion(key, size), size, handle, bodyAt: 0, beginning: Buffer.alloc(0) };
  } catch (error) {
    await handle.close();
    throw diskError(`cannot read ${path}`, error);
  }
}

async function openToRead(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw diskError(`cannot read ${path}`, error);
  }
}

/** The body of an open object file, or a part of it. The file is closed when the body ends or is destroyed. */
export async function bodyOf(
  object: OpenObject,
  part: { readonly offset: number; readonly length: number },
): Promise<Readable> {
  const { offset, length } = part;
  if (length === 0 || offset + length <= object.beginning.length) {
    await object.handle.close();
    const bytes = object.beginning.subarray(offset, offset + length);
    return Readable.from(length === 0 ? [] : [bytes], { objectMode: false });
  }
  return object.handle.createReadStream({
    start: object.bodyAt + offset,
    end: object.bodyAt + offset + length - 1,
    highWaterMark: STREAM_CHUNK_BYTES,
  });
}

/** An error of the disk below the store: what could not be done, and why. Clients are told what only the operator can change. */
export function diskError(what: string, error: unknown): CairnError {
  const state = diskState(error);
  const message = `the object store on disk ${what}: ${state === undefined ? messageOf(error) : `the disk is ${state}`}`;
  const publicText = state === undefined ? {} : { publicText: `the disk of the object store is ${state}` };
  return new CairnError('unavailable', message, { cause: error, ...publicText });
}

/** What the disk is, if that is why an operation failed. */
function diskState(error: unknown): 'full' | 'read-only' | undefined {
  if (isDiskFull(error)) return 'full';
  return systemCode(error) === 'EROFS' ? 'read-only' : undefined;
}
