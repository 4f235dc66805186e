import { LruMap } from '../../lib/lru.ts';
import { languageNamed } from './language-names.ts';

/** Bytes of files, by the name of their language. */
export type Sizes = ReadonlyMap<string, number>;

/** Languages in trees that are remembered, each tree one more. Equal trees have equal languages, in every repository. */
const REMEMBERED = 50_000;

/** Folders whose files others wrote, or programs. */
const FOREIGN =
  /^(?:node_modules|bower_components|vendors?|third[-_]?party|externals?|deps|dist|\.yarn|Pods|Carthage|Godeps|__pycache__|\.?venv|(?:__)?generated(?:__)?|fixtures|testdata)$/i;
/** Files that programs wrote. */
const GENERATED =
  /(?:\.min\.(?:js|css)|\.bundle\.js|\.pb\.(?:go|cc|h)|_pb2\.py|\.g\.dart|\.designer\.cs|\.generated\.\w+)$/i;

const known = new LruMap<string, Sizes>(REMEMBERED);

/** The languages of a tree and all that is below it, if they are remembered. @param tree object id */
export function knownSizes(tree: string): Sizes | undefined {
  return known.get(tree);
}

/** Remembers the languages of a tree. */
export function rememberSizes(tree: string, sizes: Sizes): void {
  known.set(tree, sizes, 1 + sizes.size);
}

/** Whether files of a folder count. @param name of the folder alone */
export function isForeign(name: string): boolean {
  return FOREIGN.test(name);
}

/** The language that a file counts as; undefined for one that does not count. @param name without folders */
export function countedLanguage(name: string): string | undefined {
  const language = languageNamed(name);
  return language === undefined || GENERATED.test(name) ? undefined : language;
}

/** Adds the files of one tree to those of another. */
export function addSizes(to: Map<string, number>, more: Sizes): void {
  for (const [language, bytes] of more) to.set(language, (to.get(language) ?? 0) + bytes);
}
