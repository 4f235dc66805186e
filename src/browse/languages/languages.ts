import { listSizes } from '../../git-process/search-commands.ts';
import { LruMap } from '../../lib/lru.ts';
import { languageNamed } from './language-names.ts';
import { Fields, readOutput } from '../read-output.ts';
import type { RepositoryView } from '../repository-view.ts';

/** A language, and the bytes of its files. */
export interface LanguageShare {
  readonly name: string;
  readonly bytes: number;
}

/** What is looked at of a commit: bytes of git's list, some 100,000 files, and milliseconds. */
const BOUNDS = { bytes: 8 * 1024 * 1024, milliseconds: 1_500 };
/** Trees whose languages are remembered. Equal trees have equal languages, in every repository. */
const REMEMBERED = 1_000;
/** Folders whose files others wrote, or programs. */
const FOREIGN =
  /(?:^|\/)(?:node_modules|bower_components|vendors?|third[-_]?party|externals?|deps|dist|\.yarn|Pods|Carthage|Godeps|__pycache__|\.?venv|(?:__)?generated(?:__)?|fixtures|testdata)\//i;
/** Files that programs wrote. */
const GENERATED =
  /(?:\.min\.(?:js|css)|\.bundle\.js|\.pb\.(?:go|cc|h)|_pb2\.py|\.g\.dart|\.designer\.cs|\.generated\.\w+)$/i;

const known = new LruMap<string, readonly LanguageShare[]>(REMEMBERED);

/**
 * The programming languages of a tree, by the names and sizes of files, largest first. Folders of foreign code are left out, and
 * so are links and submodules.
 * @param tree object id
 * @returns nothing for a tree that is too large to be looked at: a part of it would be another answer
 */
export async function languagesOf(view: RepositoryView, tree: string): Promise<readonly LanguageShare[]> {
  const kept = known.get(tree);
  if (kept !== undefined) return kept;
  const sizes = new Map<string, number>();
  const fields = new Fields(0);
  const end = await readOutput(view, listSizes(view.gitDir, tree), '', BOUNDS, (piece) => {
    for (const line of fields.of(piece)) count(sizes, line);
    return true;
  });
  // A busy machine may be faster the next time.
  if (end !== 'whole') return [];
  const shares = [...sizes].map(([name, bytes]) => ({ name, bytes }));
  shares.sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
  known.set(tree, shares, 1);
  return shares;
}

/** @param line `<mode> <type> <id> <size>`, a tab and the path */
function count(sizes: Map<string, number>, line: Buffer): void {
  const tab = line.indexOf(0x09);
  const [mode = '', , , size = ''] = line.toString('latin1', 0, tab).split(/ +/);
  if (!mode.startsWith('100')) return;
  const path = line.toString('latin1', tab + 1);
  const language = languageNamed(path.slice(path.lastIndexOf('/') + 1));
  if (language === undefined || FOREIGN.test(path) || GENERATED.test(path)) return;
  sizes.set(language, (sizes.get(language) ?? 0) + Number(size));
}
