import { createHash } from 'node:crypto';
import { link, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Digest } from '../../lib/digest.ts';
import { diskFault, isDiskFull } from '../../lib/disk-full.ts';
import { CairnError, systemCode } from '../../lib/errors.ts';
import { makeFolder, PRIVATE_FOLDER } from '../../lib/make-folder.ts';
import { allSettledOrThrow } from '../../lib/all-settled-or-throw.ts';
import { type Download, downloadArtifact } from './artifact-download.ts';
import { damagedArtifact, nameOf } from '../artifact-store.ts';
import { FillingFile } from './filling-file.ts';

/** An artifact that is becoming a checked file, and can be read meanwhile. */
export interface ArtifactFill {
  /** The repository of the artifact: damage there says nothing about the same artifact elsewhere. */
  readonly repository: string;
  /** The file as soon as it exists. Each reader holds it. */
  readonly file: Promise<FillingFile>;
  /** Resolves when the file is in place and matches its digest. */
  readonly verified: Promise<void>;
}

/** A file of an earlier run did not match its digest. It is removed; the artifact in the store may be intact. */
export class LeftoverDamagedError extends CairnError {
  /** @param name of the file */
  constructor(name: string) {
    const message = `the cached copy of ${name} was damaged; it is fetched again, try once more`;
    super('unavailable', message, { publicText: message });
  }
}

/** The target of a download, and what it must wait for. */
export interface FillPlace {
  readonly temporary: string;
  readonly path: string;
  /** Waits until no file with this name is being deleted. */
  vacant(): Promise<void>;
}

/** Bytes of the smallest artifact that a store on this machine may keep as a file that can be linked to. */
const WORTH_A_LINK = 1024 * 1024;

/**
 * Downloads an artifact into a temporary file, or links to the file of a store on this machine, checks its digest meanwhile, and moves it
 * into place. Only the close of the cache aborts it, because others may be reading it, or come next.
 * @returns at once; `verified` rejects with CairnError `corrupt` or `unavailable`, and no file is left behind
 */
export function fillFromStore(
  repository: string,
  download: Omit<Download, 'file'>,
  place: FillPlace,
): ArtifactFill {
  const { id, kind, ref } = download;
  const opened = openFile(download, place).catch((error: unknown) => {
    throw diskError(error);
  });
  const fill = async () => {
    const { filling, isLinked } = await opened;
    const arrive = async () => {
      if (!isLinked) await downloadArtifact({ ...download, file: filling });
    };
    try {
      const [, digest] = await allSettledOrThrow([
        arrive().catch((error: unknown) => {
          const told = diskError(error);
          filling.fail(told);
          throw told;
        }),
        digestOf(filling, download.signal),
      ]);
      if (digest !== ref.digest) {
        throw damagedArtifact(id, nameOf(kind, ref), 'its bytes do not match its digest');
      }
      await place.vacant();
      await rename(place.temporary, place.path);
    } catch (error) {
      const told = diskError(error);
      filling.fail(told);
      await rm(place.temporary, { force: true });
      throw told;
    } finally {
      filling.release();
    }
  };
  const file = settledLater(opened.then(({ filling }) => filling));
  return { repository, file, verified: settledLater(fill()) };
}

/**
 * Checks a file of an earlier run, which can be read meanwhile.
 * @returns at once; `verified` rejects with {@link LeftoverDamagedError} when the file does not match its digest, and
 * with the signal's reason when it is aborted
 */
export function fillFromLeftover(
  repository: string,
  leftover: { readonly name: string; readonly digest: Digest; readonly size: number; readonly path: string },
  signal: AbortSignal,
): ArtifactFill {
  const file = FillingFile.whole(leftover.path, leftover.size).catch((error: unknown) => {
    throw diskError(error);
  });
  const check = async () => {
    const damaged = new LeftoverDamagedError(leftover.name);
    const whole = await file.catch(() => undefined);
    try {
      // An unreadable file counts as damaged.
      const actual = whole === undefined ? undefined : await digestOf(whole, signal).catch(() => undefined);
      signal.throwIfAborted();
      if (actual === leftover.digest) return;
      whole?.fail(damaged);
    } finally {
      whole?.release();
    }
    throw damaged;
  };
  return { repository, file: settledLater(file), verified: settledLater(check()) };
}

/** The file that becomes the artifact: whole if it is a link to the file of the store, otherwise empty. */
async function openFile(
  download: Omit<Download, 'file'>,
  place: FillPlace,
): Promise<{ readonly filling: FillingFile; readonly isLinked: boolean }> {
  const linked = await linkedFile(download, place);
  if (linked !== undefined) return { filling: linked, isLinked: true };
  return { filling: await createFile(download, place), isLinked: false };
}

/**
 * A link to the file that a store on this machine has: no byte is copied, and it takes no disk space.
 * @returns undefined if it has none, or one that cannot be linked to
 */
async function linkedFile(
  { store, id, kind, ref, signal }: Omit<Download, 'file'>,
  { temporary }: FillPlace,
): Promise<FillingFile | undefined> {
  if (!store.keepsFiles || ref.size < WORTH_A_LINK) return undefined;
  const { body, file } = await store.open(id, kind, ref, { signal: AbortSignal.any([signal]) });
  body.destroy();
  if (file === undefined) return undefined;
  try {
    await makeFolder(dirname(temporary), PRIVATE_FOLDER);
    await link(file, temporary);
  } catch (error) {
    // Another file system, or one without links: it is copied.
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
  try {
    return await FillingFile.whole(temporary, ref.size);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function createFile(download: Omit<Download, 'file'>, place: FillPlace): Promise<FillingFile> {
  const create = async () => {
    await makeFolder(dirname(place.path), PRIVATE_FOLDER);
    return FillingFile.create(place.temporary, download.ref.size);
  };
  try {
    return await create();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    await download.relieve();
    return create();
  }
}

/** Bytes read at once to compute a digest. */
const HASHED_AT_ONCE = 256 * 1024;

/** The digest of a file, computed as the file grows. It covers the bytes on disk, in order, however they arrived. */
async function digestOf(file: FillingFile, signal: AbortSignal): Promise<Digest> {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(Math.min(file.size, HASHED_AT_ONCE));
  for (let at = 0; at < file.size; ) {
    const length = await file.read([chunk], at, file.size);
    signal.throwIfAborted();
    hash.update(chunk.subarray(0, length));
    at += length;
  }
  return hash.digest('hex');
}

/** A promise that may reject before anybody waits for it. */
function settledLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** Describes a failure of the local disk; returns other errors unchanged. */
export function diskError(error: unknown): unknown {
  if (error instanceof CairnError || systemCode(error) === undefined) return error;
 return diskFault(error, 'for this repository', 'the artifact cache cannot be written');
}
