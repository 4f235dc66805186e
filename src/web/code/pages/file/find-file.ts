import { findPath, peel, readCommit } from '../../../../browse/objects.ts';
import type { RepositoryView } from '../../../../browse/repository-view.ts';
import type { Revision } from '../../../../browse/revision.ts';
import type { TreeEntry } from '../../../../git/index.ts';
import { CairnError } from '../../../../lib/errors.ts';

/** Finds a file. @throws CairnError `not-found` when something else, or nothing, is there */
export async function findFile(
  view: RepositoryView,
  at: Pick<Revision, 'oid' | 'path'>,
): Promise<Pick<TreeEntry, 'kind' | 'oid'>> {
  const { oid, type } = await peel(view, at.oid);
  const root = type === 'commit' ? (await readCommit(view, oid)).commit.tree : oid;
  const found = await findPath(view, root, at.path);
  if (found.kind === 'folder' || found.kind === 'submodule') {
    throw new CairnError('not-found', `this is a ${found.kind}, not a file`);
  }
  return found;
}
