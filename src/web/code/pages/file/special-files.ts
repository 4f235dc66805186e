import { blobSize, findPath, readBlob } from '../../../../browse/objects.ts';
import { joinPath, linkedPath } from '../../../../browse/paths.ts';
import type { RepositoryView } from '../../../../browse/repository-view.ts';
import { parseGitmodules } from '../../../../git/index.ts';
import { isCairnError } from '../../../../lib/errors.ts';
import type { FoundEntry } from './find-file.ts';
import type { SpecialFile } from './shown-file.ts';

/** Most bytes of a symbolic link. */
const LINK_SIZE = 8_192;
/** Most bytes of a `.gitmodules`. */
const GITMODULES_SIZE = 256 * 1024;

type Placed = FoundEntry & { readonly path: readonly Buffer[] };

/** Reads a symbolic link. It is followed one step, and within the revision. */
export async function readLink(view: RepositoryView, file: Placed): Promise<SpecialFile> {
  const target = await readBlob(view, file.oid, LINK_SIZE);
  const path = linkedPath(file.path.slice(0, -1), target);
  const isThere = path !== undefined && (await isFound(view, file.root, path));
  return { is: 'link', target: target.toString('utf8'), leadsTo: isThere ? path : undefined };
}

/** Reads where a submodule comes from. */
export async function readSubmodule(view: RepositoryView, file: Placed): Promise<SpecialFile> {
  return {
    is: 'submodule',
    url: (await gitmodules(view, file.root)).get(joinPath(file.path).toString('latin1')),
  };
}

async function gitmodules(view: RepositoryView, root: string): Promise<ReadonlyMap<string, string>> {
  try {
    const { kind, oid } = await findPath(view, root, [Buffer.from('.gitmodules')]);
    if (kind !== 'file' || (await blobSize(view, oid)) > GITMODULES_SIZE) return new Map();
    return parseGitmodules(await readBlob(view, oid, GITMODULES_SIZE));
  } catch (error) {
    if (isCairnError(error, 'not-found')) return new Map();
    throw error;
  }
}

async function isFound(view: RepositoryView, root: string, path: readonly Buffer[]): Promise<boolean> {
  try {
    await findPath(view, root, path);
    return true;
  } catch (error) {
    if (isCairnError(error, 'not-found')) return false;
    throw error;
  }
}
