import { findInTree, Mailmap, parseCommit } from '../git/index.ts';
import type { ObjectSession } from '../git-process/object-session.ts';
import { isCairnError } from '../lib/errors.ts';
import { idLength, type RepositoryView } from './repository-view.ts';

/** Most bytes of a `.mailmap` that counts, and of what is read on the way to it. */
const MAILMAP_SIZE = 1024 * 1024;
const COMMIT_SIZE = 1024 * 1024;
const TREE_SIZE = 24 * 1024 * 1024;

const NAME = Buffer.from('.mailmap');

/** A session belongs to one published state, and so does its mailmap. */
const known = new WeakMap<ObjectSession, Promise<Mailmap>>();

/**
 * The `.mailmap` of the default branch, which git uses in a bare repository, too. It is empty if there is none, or if it is
 * larger than 1 MiB.
 * @throws CairnError `unavailable` when git fails
 */
export function mailmapOf(view: RepositoryView): Promise<Mailmap> {
  const { session } = view;
  const kept = known.get(session);
  if (kept !== undefined) return kept;
  const reading = readMailmap(view);
  known.set(session, reading);
  reading.catch(() => known.delete(session));
  return reading;
}

async function readMailmap({ manifest, session }: RepositoryView): Promise<Mailmap> {
  const tip = manifest.refs.get(manifest.head);
  const commit = tip === undefined ? undefined : await readSmall(session, tip, 'commit', COMMIT_SIZE);
  if (commit === undefined) return Mailmap.empty;
  const tree = await readSmall(session, parseCommit(commit).tree, 'tree', TREE_SIZE);
  const entry = tree === undefined ? undefined : findInTree(tree, idLength({ manifest }), NAME);
  if (entry?.kind !== 'file' && entry?.kind !== 'executable') return Mailmap.empty;
  const content = await readSmall(session, entry.oid, 'blob', MAILMAP_SIZE);
  return content === undefined ? Mailmap.empty : Mailmap.parse(content);
}

/** The content of an object; undefined if it is not there, of another type or larger. */
async function readSmall(
  session: ObjectSession,
  oid: string,
  type: 'commit' | 'tree' | 'blob',
  maxSize: number,
): Promise<Buffer | undefined> {
  try {
    // Small ones are usual, and take one question instead of two.
    const object = type === 'blob' ? await session.read(oid, maxSize) : await session.readSmall(oid, maxSize);
    return object?.type === type ? object.content : undefined;
  } catch (error) {
    if (isCairnError(error, 'too-large')) return undefined;
    throw error;
  }
}
