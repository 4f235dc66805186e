import { listSizes } from '../../git-process/search-commands.ts';
import { firstBytes } from '../first-bytes.ts';
import { Fields, readOutput } from '../read-output.ts';
import type { RepositoryView } from '../repository-view.ts';
import { addSizes, countedLanguage, isForeign, rememberSizes, type Sizes } from './tree-languages.ts';

/** What is looked at of a commit: bytes of git's list, some 80,000 files, and milliseconds. */
const BOUNDS = { bytes: 8 * 1024 * 1024, milliseconds: 1_500 };
/** Bytes of a list that is not streamed: that of some 7,000 files. */
const SHORT_LIST = 512 * 1024;
/** Folders of a tree that are remembered. */
const MOST_REMEMBERED = 10_000;

/** A folder while git lists it. */
interface ListedFolder {
  readonly tree: string;
  readonly name: string;
  readonly above: ListedFolder | undefined;
  readonly sizes: Map<string, number>;
}

/**
 * Sums up the languages of a tree from a list of all files in it, and remembers those of each folder.
 * @returns undefined for a tree that is too large, or lacks a file in this copy: a part of it would be another answer
 */
export async function listLanguages(view: RepositoryView, tree: string): Promise<Sizes | undefined> {
  const command = listSizes(await view.gitDir(), tree);
  let list = new SizeList(tree);
  const short = await firstBytes(view, command, '', SHORT_LIST);
  if (short.complete) list.push(short.output);
  else {
    list = new SizeList(tree);
    const end = await readOutput(view, command, '', BOUNDS, (piece) => {
      list.push(piece);
      return true;
    });
    // A busy machine may be faster the next time.
    if (end !== 'whole') return undefined;
  }
  const sizes = list.end();
  if (sizes === undefined) view.onCut?.();
  return sizes;
}

/** Reads git's list of files and folders. */
class SizeList {
  private readonly fields = new Fields(0);
  private readonly root: ListedFolder;
  /** All folders, each before those in it; with their paths. */
  private readonly folders = new Map<string, ListedFolder>();
  private isDamaged = false;

  constructor(tree: string) {
    this.root = { tree, name: '', above: undefined, sizes: new Map() };
  }

  push(piece: Buffer): void {
    for (const line of this.fields.of(piece)) this.take(line);
  }

  /** Adds up what the list has; undefined if a file that counts is missing. */
  end(): Sizes | undefined {
    // Nothing is remembered: others may have the same tree whole.
    if (this.isDamaged) return undefined;
    const all = [...this.folders.values()];
    for (const { above, name, sizes } of all.toReversed()) {
      if (above !== undefined && !isForeign(name)) addSizes(above.sizes, sizes);
    }
    if (all.length <= MOST_REMEMBERED) for (const { tree, sizes } of all) rememberSizes(tree, sizes);
    rememberSizes(this.root.tree, this.root.sizes);
    return this.root.sizes;
  }

  /** @param line `<mode> <type> <id> <size>`, a tab and the path */
  private take(line: Buffer): void {
    const tab = line.indexOf(0x09);
    const [mode = '', type, oid = '', size = ''] = line.toString('latin1', 0, tab).split(/ +/);
    const path = line.toString('latin1', tab + 1);
    const slash = path.lastIndexOf('/');
    const name = path.slice(slash + 1);
    const above = (slash === -1 ? undefined : this.folders.get(path.slice(0, slash))) ?? this.root;
    if (type === 'tree') this.folders.set(path, { tree: oid, name, above, sizes: new Map() });
    const language = mode.startsWith('100') ? countedLanguage(name) : undefined;
    if (language === undefined) return;
    // Git writes `BAD` for a file that it cannot find.
    if (/^\d+$/.test(size)) addSizes(above.sizes, new Map([[language, Number(size)]]));
    else this.isDamaged = true;
  }
}
