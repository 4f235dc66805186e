import { blob, commit, type GitObject, type PackEntry, tree } from './git-objects.ts';
import { SeededNumbers } from './random.ts';

/** One commit, and what a push of it carries. */
export interface Step {
  /** The commit's id. */
  readonly oid: string;
  /** Its parent; undefined for the first one. */
  readonly parent: string | undefined;
  /** What it adds to the repository, whole: for a receiver that has none of it. */
  readonly objects: readonly GitObject[];
  /** The same as `git push` sends it: against the versions the receiver has (a thin pack). */
  readonly entries: readonly PackEntry[];
}

const FOLDERS = 20;
const FILES_EACH = 20;
const LINES = 12;

/**
 * A history that grows by one small commit at a time, on one branch, the same for one seed: 400 files in 20 folders, of
 * which each commit changes one line of one. After the first one, a commit is four objects.
 */
export class GrowingHistory {
  #numbers: SeededNumbers;
  readonly #files: string[][][];
  #blobs: GitObject[][] = [];
  #folders: GitObject[] = [];
  #root: GitObject | undefined;
  #tip: string | undefined;
  #steps = 0;

  /** @param changes of what the later commits are made; histories of one seed have the first commit in common */
  constructor(seed: number, changes: number = seed) {
    this.#numbers = new SeededNumbers(seed);
    this.#files = range(FOLDERS).map(() => range(FILES_EACH).map(() => range(LINES).map(() => this.#line())));
    this.#numbers = new SeededNumbers(changes);
  }

  /** Makes the next commit. */
  next(): Step {
    const changed = this.#root === undefined ? this.#first() : this.#change(this.#root);
    this.#steps++;
    const parent = this.#tip;
    const made = commit({
      tree: changed.map(wholeOf)[0]?.oid ?? '',
      parent,
      at: 1_600_000_000 + this.#steps * 60,
      message: `Change ${this.#steps}`,
    });
    this.#tip = made.oid;
    const entries = [made, ...changed];
    return { oid: made.oid, parent, objects: entries.map(wholeOf), entries };
  }

  /** The root tree first. */
  #first(): PackEntry[] {
    this.#blobs = this.#files.map((files) => files.map(fileOf));
    this.#folders = range(FOLDERS).map((folder) => this.#treeOf(folder));
    this.#root = this.#treeOfAll();
    return [this.#root, ...this.#folders, ...this.#blobs.flat()];
  }

  #change(oldRoot: GitObject): PackEntry[] {
    const at = this.#numbers.below(FOLDERS);
    const place = this.#numbers.below(FILES_EACH);
    const lines = this.#files[at]?.[place] ?? [];
    const oldBlob = this.#blobs[at]?.[place];
    const oldFolder = this.#folders[at];
    if (oldBlob === undefined || oldFolder === undefined) throw new RangeError(`no file ${at}/${place}`);
    lines[this.#numbers.below(LINES)] = this.#line();
    const newBlob = fileOf(lines);
    this.#blobs[at]?.splice(place, 1, newBlob);
    const newFolder = this.#treeOf(at);
    this.#folders[at] = newFolder;
    this.#root = this.#treeOfAll();
    return [
      { object: this.#root, base: oldRoot },
      { object: newFolder, base: oldFolder },
      { object: newBlob, base: oldBlob },
    ];
  }

  #treeOf(folder: number): GitObject {
    return tree((this.#blobs[folder] ?? []).map((object, at) => ({ name: `file-${at}.txt`, object })));
  }

  #treeOfAll(): GitObject {
    return tree(this.#folders.map((object, at) => ({ name: `folder-${at}`, object })));
  }

  /** Eight random words of hex, so that no two commits make the same file. */
  #line(): string {
    return range(8)
      .map(() => this.#numbers.below(2 ** 24).toString(16))
      .join(' ');
  }
}

function wholeOf(entry: PackEntry): GitObject {
  return 'type' in entry ? entry : entry.object;
}

function fileOf(lines: readonly string[]): GitObject {
  return blob(`${lines.join('\n')}\n`);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at);
}
