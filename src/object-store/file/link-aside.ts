import { link, open, rm } from 'node:fs/promises';
import { CairnError, systemCode } from '../../lib/errors.ts';
import { openFileRange } from '../local-body.ts';
import type { FileRange, ObjectBody } from '../object-store.ts';
import type { Fsync } from './folder-sync.ts';
import { diskError } from './object-file.ts';

/** Another file system; one without hard links, or with none left; a file that this user may not link to. */
const CANNOT_LINK: ReadonlySet<string | undefined> = new Set([
  'EXDEV',
  'EPERM',
  'EACCES',
  'EMLINK',
  'ENOSYS',
  'ENOTSUP',
  'EOPNOTSUPP',
]);

/** Bytes. A copy of a smaller file costs little, and then nothing else can change what is stored. */
const WORTH_A_LINK = 1024 * 1024;

/** Whether the store on disk keeps the file of a body instead of a copy, where it can. */
export function isLinked(body: ObjectBody): body is FileRange {
  if (body instanceof Uint8Array || body.final !== true) return false;
  return body.offset === 0 && body.length >= WORTH_A_LINK;
}

/**
 * Makes the file of a body durable and links it to `path`, which must not exist.
 * @returns false when it has to be copied instead: it cannot be linked, or the body is a part of it
 * @throws CairnError as {@link openFileRange}, or `unavailable` when the disk refuses; the signal's reason when it is
 * aborted. No link is left in each case.
 */
export async function linkAside(
  path: string,
  body: FileRange,
  fsync: Fsync,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const source = await openFileRange(body);
  try {
    if ((await source.stat()).size !== body.length) return false;
  } finally {
    await source.close();
  }
  try {
    await link(body.path, path);
  } catch (error) {
    if (CANNOT_LINK.has(systemCode(error))) return false;
    throw diskError(`cannot link ${path}`, error);
  }
  try {
    const linked = await open(path, 'r');
    try {
      await fsync(linked);
    } finally {
      await linked.close();
    }
    signal?.throwIfAborted();
    return true;
  } catch (error) {
    await rm(path, { force: true });
    if (signal?.aborted) throw signal.reason;
    throw error instanceof CairnError ? error : diskError(`cannot write ${path}`, error);
  }
}
