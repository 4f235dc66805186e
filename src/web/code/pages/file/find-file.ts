import { findPath, peel, readCommit } from '../../../../browse/objects.ts';
import type { RepositoryView } from '../../../../browse/repository-view.ts';
import type { Revision } from '../../../../browse/revision.ts';
import type { TreeEntry } from '../../../../git/index.ts';
import { CairnError } from '../../../../lib/errors.ts';

/** The object at a path of a revision. */
export interface FoundEntry extends Pick<TreeEntry, 'kind' | 'oid'> {
  /** The id of the commit; undefined where a tag is one of a tree. */
  readonly commit: string | undefined;
  /** The tree of the revision, or its only file. */
  readonly root: string;
}

/** Finds the object at a path. A tag may stand for a single file. @throws CairnError `not-found` when nothing is there */
export async function findEntry(
  view: RepositoryView,
  at: Pick<Revision, 'oid' | 'path'>,
): Promise<FoundEntry> {
  const { oid, type } = await peel(view, at.oid);
  if (type === 'blob' && at.path.length === 0) return { kind: 'file', oid, root: oid, commit: undefined };
  const root = type === 'commit' ? (await readCommit(view, oid)).commit.tree : oid;
  const found = await findPath(view, root, at.path);
  return { ...found, root, commit: type === 'commit' ? oid : undefined };
}

/** Finds a file. @throws CairnError `not-found` when something else, or nothing, is there */
export async function findFile(
  view: RepositoryView,
  at: Pick<Revision, 'oid' | 'path'>,
): Promise<FoundEntry> {
  const found = await findEntry(view, at);
  if (found.kind === 'folder' || found.kind === 'submodule') {
    throw new CairnError('not-found', `this is a ${found.kind}, not a file`);
  }
  return found;
}
