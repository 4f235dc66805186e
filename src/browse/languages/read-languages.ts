import { type TreeEntry, treeEntries } from '../../git/index.ts';
import { isCairnError } from '../../lib/errors.ts';
import { idLength, type RepositoryView } from '../repository-view.ts';
import {
  addSizes,
  countedLanguage,
  isForeign,
  knownSizes,
  rememberSizes,
  type Sizes,
} from './tree-languages.ts';

/** Most requested objects: for more than that, a list of git is faster. */
const MOST_OBJECTS = 500;
/** Folders of a folder that may be new: a change touches few. */
const MOST_FOLDERS = 12;
const TREE_SIZE = 1024 * 1024;

/** What cannot be answered by requesting few objects one by one. */
class TooMany extends Error {}

/**
 * Sums up the languages of a tree from those of its folders that are remembered, and reads the others.
 * @returns undefined if too much of it is new, or something is missing
 */
export async function readLanguages(view: RepositoryView, tree: string): Promise<Sizes | undefined> {
  const budget = { objects: MOST_OBJECTS };
  try {
    return await sizesOf(view, tree, budget);
  } catch (error) {
    if (error instanceof TooMany || isCairnError(error, 'too-large')) return undefined;
    throw error;
  }
}

async function sizesOf(view: RepositoryView, tree: string, budget: { objects: number }): Promise<Sizes> {
  const kept = knownSizes(tree);
  if (kept !== undefined) return kept;
  view.signal.throwIfAborted();
  const content = (await view.session.readSmall(tree, TREE_SIZE))?.content;
  // Of a damaged repository nothing is remembered: others may have the same tree whole.
  if (content === undefined) throw new TooMany();
  const entries = [...treeEntries(content, idLength(view))];
  const folders = entries.filter(
    ({ kind, name }) => kind === 'folder' && !isForeign(name.toString('latin1')),
  );
  const files = entries.flatMap((entry) => {
    const language = languageOf(entry);
    return language === undefined ? [] : [{ language, oid: entry.oid }];
  });
  const unknown = folders.filter(({ oid }) => knownSizes(oid) === undefined).length;
  if (unknown > MOST_FOLDERS) throw new TooMany();
  spend(budget, files.length + unknown);
  const sizes = new Map<string, number>();
  const infos = await Promise.all(files.map(({ oid }) => view.session.info(oid)));
  for (const [at, { language }] of files.entries()) {
    const info = infos[at];
    if (info === undefined) throw new TooMany();
    addSizes(sizes, new Map([[language, info.size]]));
  }
  // One after the other, so that requests stay within the budget.
  for (const { oid } of folders) addSizes(sizes, await sizesOf(view, oid, budget));
  rememberSizes(tree, sizes);
  return sizes;
}

function languageOf({ kind, name }: TreeEntry): string | undefined {
  return kind === 'file' || kind === 'executable' ? countedLanguage(name.toString('latin1')) : undefined;
}

function spend(budget: { objects: number }, count: number): void {
  budget.objects -= count;
  if (budget.objects < 0) throw new TooMany();
}
