import { Mailmap } from '../git/index.ts';
import { isCairnError } from '../lib/errors.ts';
import { LruMap } from '../lib/lru.ts';
import { branchFilesOf } from './branch-files.ts';
import type { RepositoryView } from './repository-view.ts';

/** Most bytes of a `.mailmap` that counts, and of those that are remembered. */
const MAILMAP_SIZE = 1024 * 1024;
const REMEMBERED = 4 * MAILMAP_SIZE;

/** By object id. */
const known = new LruMap<string, Promise<Mailmap>>(REMEMBERED);

/**
 * The `.mailmap` of the default branch, which git uses in a bare repository, too. It is empty if there is none, or if it is
 * larger than 1 MiB.
 * @throws CairnError `unavailable` when git fails
 */
export async function mailmapOf(view: RepositoryView): Promise<Mailmap> {
  const oid = (await branchFilesOf(view)).mailmap;
  if (oid === undefined) return Mailmap.empty;
  const kept = known.get(oid);
  if (kept !== undefined) return kept;
  const reading = readMailmap(view, oid);
  known.set(oid, reading, 1);
  reading.catch(() => known.delete(oid));
  return reading;
}

async function readMailmap({ session }: RepositoryView, oid: string): Promise<Mailmap> {
  const content = await session.read(oid, MAILMAP_SIZE).catch((error: unknown) => {
    if (isCairnError(error, 'too-large')) return undefined;
    throw error;
  });
  if (content?.type !== 'blob') return Mailmap.empty;
  // Its weight is known only now.
  const kept = known.get(oid);
  if (kept !== undefined) known.set(oid, kept, content.size);
  return Mailmap.parse(content.content);
}
