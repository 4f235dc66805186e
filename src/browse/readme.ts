import type { TreeEntry } from '../git/index.ts';
import { isCairnError } from '../lib/errors.ts';
import { blobSize, findPath, readBlob } from './objects.ts';
import { linkedPath } from './paths.ts';
import type { RepositoryView } from './repository-view.ts';

/** Ends of names, best first. */
const ENDINGS = ['.md', '.markdown', '.mdown', '.mkd', '', '.txt', '.rst', '.org', '.adoc', '.asciidoc'];
/** Most bytes of a README that is shown. */
export const README_SIZE = 512 * 1024;
/** A symbolic link is a path. */
const LINK_SIZE = 4_096;

/** The README of a folder. */
export interface FoundReadme {
  /** Where the file lies. */
  readonly path: readonly Buffer[];
  readonly format: 'markdown' | 'plain';
  /** Undefined if it is too large to be shown. */
  readonly content: Buffer | undefined;
}

const FIRST_LETTERS = [...Buffer.from('Rr')];

/** Which entry of a folder introduces it: `README.md` rather than `README`, and that rather than others. */
export function chooseReadme<Entry extends Pick<TreeEntry, 'kind' | 'name'>>(
  entries: readonly Entry[],
): Entry | undefined {
  let [best, rank]: [Entry | undefined, number] = [undefined, ENDINGS.length];
  for (const entry of entries) {
    if (entry.kind === 'folder' || entry.kind === 'submodule' || entry.name.length > 20) continue;
    // A folder may have half a million entries, and most names are told apart by their first letter.
    if (!FIRST_LETTERS.includes(entry.name[0] ?? 0)) continue;
    const [, ending] = /^readme((?:\.[a-z]+)?)$/i.exec(entry.name.toString('latin1')) ?? [];
    const found = ending === undefined ? -1 : ENDINGS.indexOf(ending.toLowerCase());
    if (found !== -1 && found < rank) [best, rank] = [entry, found];
  }
  return best;
}

/** How a README is to be read, by its name. */
export function readmeFormat(name: string): FoundReadme['format'] {
  return /\.(?:md|markdown|mdown|mkd)$/i.test(name) ? 'markdown' : 'plain';
}

/**
 * Reads the README of a folder. One that is a symbolic link is followed once, within the repository.
 * @param root id of the tree of the whole commit
 * @param entry of the folder, see {@link chooseReadme}
 * @returns undefined for a link that leads nowhere
 */
export async function readReadme(
  view: RepositoryView,
  root: string,
  folder: readonly Buffer[],
  entry: TreeEntry,
): Promise<FoundReadme | undefined> {
  const linked = entry.kind === 'symlink' ? await followLink(view, root, folder, entry.oid) : undefined;
  if (entry.kind === 'symlink' && linked === undefined) return undefined;
  const { path, oid } = linked ?? { path: [...folder, entry.name], oid: entry.oid };
  const format = readmeFormat(path.at(-1)?.toString('latin1') ?? '');
  const size = await blobSize(view, oid);
  return { path, format, content: size > README_SIZE ? undefined : await readBlob(view, oid, README_SIZE) };
}

async function followLink(
  view: RepositoryView,
  root: string,
  folder: readonly Buffer[],
  link: string,
): Promise<{ readonly path: readonly Buffer[]; readonly oid: string } | undefined> {
  if ((await blobSize(view, link)) > LINK_SIZE) return undefined;
  const path = linkedPath(folder, await readBlob(view, link, LINK_SIZE));
  if (path === undefined || path.length === 0) return undefined;
  try {
    const found = await findPath(view, root, path);
    return found.kind === 'file' || found.kind === 'executable' ? { path, oid: found.oid } : undefined;
  } catch (error) {
    if (isCairnError(error, 'not-found')) return undefined;
    throw error;
  }
}
