/** Files that differ between two trees, as `git diff-tree --stdin -r -z --raw --numstat` tells. */

export type ChangeStatus = 'added' | 'deleted' | 'modified' | 'renamed' | 'copied' | 'type-changed';

export interface ChangedFile {
  readonly status: ChangeStatus;
  /** The path before and after; they differ for renames and copies. */
  readonly oldPath: Buffer;
  readonly newPath: Buffer;
  /** Octal modes as git writes them; `000000` where there is none. */
  readonly oldMode: string;
  readonly newMode: string;
  readonly oldId: string;
  readonly newId: string;
  /** Lines; undefined for binary files, and if they were not counted. */
  readonly added: number | undefined;
  readonly deleted: number | undefined;
}

/** Lines that were added and deleted in all files. */
export interface LineTotals {
  readonly added: number;
  readonly deleted: number;
}

/** The mode of a submodule: its id is that of a commit of another repository. */
export const SUBMODULE_MODE = '160000';

const STATUS: Readonly<Record<string, ChangeStatus>> = {
  A: 'added',
  D: 'deleted',
  M: 'modified',
  R: 'renamed',
  C: 'copied',
  T: 'type-changed',
};

const COLON = 0x3a;
const LINE_FEED = 0x0a;
const NO_BYTES = Buffer.alloc(0);

type Listed = { -readonly [K in keyof ChangedFile]: ChangedFile[K] };

/**
 * Reads the list of changed files as git prints it: all files first, then the lines of each. It keeps some of the files, and
 * counts them all.
 */
export class ChangedFilesReader {
  private readonly from: number;
  private readonly most: number;
  private readonly kept: Listed[] = [];
  private part: 'head' | 'files' | 'lines' = 'head';
  private rest: Buffer = NO_BYTES;
  /** Fields of a record whose last one has not come yet. */
  private fields: Buffer[] = [];
  private seen = 0;
  private sums = { added: 0, deleted: 0 };
  /** The first kept file whose lines have not come: they come in the same order, and may be left out. */
  private waiting = 0;
  private readonly binary = new Set<ChangedFile>();

  /** @param from files to leave out before the first one kept @param most files to keep */
  constructor(from: number, most: number) {
    this.from = from;
    this.most = most;
  }

  /** Changed files so far; of all, once {@link listedAll} is true or the output has ended. */
  get count(): number {
    return this.seen;
  }

  /** True once lines are counted: no further file will come. */
  get listedAll(): boolean {
    return this.part === 'lines';
  }

  /** Lines of all files, if the whole output was read. */
  get totals(): LineTotals {
    return this.sums;
  }

  get files(): readonly ChangedFile[] {
    return this.kept;
  }

  push(chunk: Buffer): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    let at = 0;
    if (this.part === 'head') {
      at = bytes.indexOf(LINE_FEED) + 1;
      if (at > 0) this.part = 'files';
    }
    if (this.part !== 'head') {
      for (let end = bytes.indexOf(0, at); end !== -1; end = bytes.indexOf(0, at)) {
        this.take(bytes.subarray(at, end));
        at = end + 1;
      }
    }
    // A copy: what is kept would otherwise hold the whole chunk.
    this.rest = Buffer.from(bytes.subarray(at));
  }

  private take(field: Buffer): void {
    if (this.part === 'files' && this.fields.length === 0 && field[0] !== COLON) this.part = 'lines';
    this.fields.push(field);
    const [first = NO_BYTES] = this.fields;
    if (this.part === 'files') {
      const isMoved = /[RC]\d*$/.test(first.toString('latin1'));
      if (this.fields.length === (isMoved ? 3 : 2)) this.file(this.fields);
    } else {
      const isMoved = first.at(-1) === 0x09;
      if (this.fields.length === (isMoved ? 3 : 1)) this.lines(this.fields);
    }
  }

  private file([meta = NO_BYTES, oldPath = NO_BYTES, newPath = oldPath]: Buffer[]): void {
    this.fields = [];
    const at = this.seen++;
    if (at < this.from || at >= this.from + this.most) return;
    const [oldMode = '', newMode = '', oldId = '', newId = '', status = ''] = meta
      .toString('latin1', 1)
      .split(' ');
    this.kept.push({
      status: STATUS[status.charAt(0)] ?? 'modified',
      oldPath: Buffer.from(oldPath),
      newPath: Buffer.from(newPath),
      oldMode,
      newMode,
      oldId,
      newId,
      added: undefined,
      deleted: undefined,
    });
  }

  private lines([counts = NO_BYTES, moved, movedTo]: Buffer[]): void {
    this.fields = [];
    const [added = '-', deleted = '-'] = counts.toString('latin1').split('\t', 2);
    const path = movedTo ?? counts.subarray(added.length + deleted.length + 2);
    const isBinary = added === '-';
    if (!isBinary) {
      this.sums.added += Number(added);
      this.sums.deleted += Number(deleted);
    }
    const isIt = ({ oldPath, newPath }: ChangedFile) => newPath.equals(path) && oldPath.equals(moved ?? path);
    const at = this.kept.findIndex((file, index) => index >= this.waiting && isIt(file));
    const file = this.kept[at];
    if (file === undefined) return;
    this.waiting = at + 1;
    if (isBinary) this.binary.add(file);
    else [file.added, file.deleted] = [Number(added), Number(deleted)];
  }

  /** To be called once the whole output was read: no line differs in a file that git counted nothing of. */
  end(): void {
    for (const file of this.kept) {
      if (file.added === undefined && !this.binary.has(file)) [file.added, file.deleted] = [0, 0];
    }
  }
}
