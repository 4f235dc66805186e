import type { RepositoryView } from '../repository-view.ts';
import { listLanguages } from './list-languages.ts';
import { readLanguages } from './read-languages.ts';
import { knownSizes } from './tree-languages.ts';

/** A language, and the bytes of its files. */
export interface LanguageShare {
  readonly name: string;
  readonly bytes: number;
}

/**
 * The programming languages of a tree, by the names and sizes of files, largest first. Folders of foreign code are left out, and
 * so are links and submodules. After a change only the folders that it touches are read.
 * @param tree object id
 * @returns nothing for a tree that is too large to be looked at: a part of it would be another answer
 */
export async function languagesOf(view: RepositoryView, tree: string): Promise<readonly LanguageShare[]> {
  const sizes =
    knownSizes(tree) ?? (await readLanguages(view, tree)) ?? (await listLanguages(view, tree)) ?? [];
  const shares = [...sizes].map(([name, bytes]) => ({ name, bytes }));
  return shares.sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
}
