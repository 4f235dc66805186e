import { isCairnError } from '../lib/errors.ts';
import { findPath, peel, readCommit } from './objects.ts';
import type { RepositoryView } from './repository-view.ts';
import type { Revision } from './revision.ts';

/** How much of a path is there in a revision. */
export interface NearestEntry {
  /** Of what is there; `object` for a tag of neither a commit nor a folder. */
  readonly kind: 'folder' | 'file' | 'executable' | 'symlink' | 'submodule' | 'object';
  /** Names of the path that lead to it. */
  readonly depth: number;
  /** Whether the revision is a commit, which has a history. */
  readonly isCommit: boolean;
}

/**
 * Follows a path as far as it is there.
 * @throws CairnError `not-found` if the revision itself is not here; `too-large`, `unavailable` when git fails
 */
export async function findNearest(
  view: RepositoryView,
  { oid: start, path }: Pick<Revision, 'oid' | 'path'>,
): Promise<NearestEntry> {
  const { oid, type } = await peel(view, start);
  const isCommit = type === 'commit';
  if (type === 'blob') return { kind: 'object', depth: 0, isCommit };
  const root = isCommit ? (await readCommit(view, oid)).commit.tree : oid;
  let found: Awaited<ReturnType<typeof findPath>> = { kind: 'folder', oid: root };
  let depth = 0;
  for (const name of path) {
    const next = await entryIn(view, found, name);
    if (next === undefined) break;
    found = next;
    depth++;
  }
  return { kind: found.kind, depth, isCommit };
}

async function entryIn(
  view: RepositoryView,
  { kind, oid }: Awaited<ReturnType<typeof findPath>>,
  name: Buffer,
): Promise<Awaited<ReturnType<typeof findPath>> | undefined> {
  if (kind !== 'folder') return undefined;
  try {
    return await findPath(view, oid, [name]);
  } catch (error) {
    if (isCairnError(error, 'not-found')) return undefined;
    throw error;
  }
}
