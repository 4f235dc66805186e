import { Mailmap } from '../git/index.ts';
import { isCairnError } from '../lib/errors.ts';
import { LruMap } from '../lib/lru.ts';
import { branchFilesOf } from './branch-files.ts';
import type { RepositoryView } from './repository-view.ts';

/** Most bytes of a `.mailmap` that counts, and of those that are remembered. */
const MAILMAP_SIZE = 1024 * 1024;
const REMEMBERED = 4 * MAILMAP_SIZE;

/** A mailmap, and the bytes that it was read from. */
interface ReadMailmap {
  readonly mailmap: Mailmap;
  readonly size: number;
}

const EMPTY: ReadMailmap = { mailmap: Mailmap.empty, size: 1 };

/** By object id; undefined for one that was not there. */
const known = new LruMap<string, Promise<ReadMailmap | undefined>>(REMEMBERED);

/**
 * The `.mailmap` of the default branch, which git uses in a bare repository, too. It is empty if there is none, or if it is
 * larger than 1 MiB. One that is missing, because the copy is damaged, is taken for empty once: it is not remembered.
 * @throws CairnError `unavailable` when git fails
 */
export async function mailmapOf(view: RepositoryView): Promise<Mailmap> {
  const oid = (await branchFilesOf(view)).mailmap;
  if (oid === undefined) return Mailmap.empty;
  // Who reads the same one now may have a copy that lacks it.
  const kept = await known.get(oid)?.catch(() => undefined);
  if (kept !== undefined) return kept.mailmap;
  const reading = readMailmap(view, oid);
  known.set(oid, reading, 1);
  let read: ReadMailmap | undefined;
  try {
    read = await reading;
  } finally {
    // The weight of one that is to stay is known only now.
    if (known.get(oid) === reading) {
      if (read === undefined) known.delete(oid);
      else known.set(oid, reading, read.size);
    }
  }
  if (read === undefined) view.onCut?.();
  return read?.mailmap ?? Mailmap.empty;
}

/** @returns undefined for one that is not there */
async function readMailmap({ session }: RepositoryView, oid: string): Promise<ReadMailmap | undefined> {
  try {
    const object = await session.read(oid, MAILMAP_SIZE);
    if (object === undefined) return undefined;
    if (object.type !== 'blob') return EMPTY;
    return { mailmap: Mailmap.parse(object.content), size: Math.max(1, object.size) };
  } catch (error) {
    if (isCairnError(error, 'too-large')) return EMPTY;
    throw error;
  }
}
