/** A file that differs between two trees, as `git diff-tree --raw --numstat -z` tells. */

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
  /** Lines; undefined for binary files. */
  readonly added: number | undefined;
  readonly deleted: number | undefined;
}

const STATUS: Readonly<Record<string, ChangeStatus>> = {
  A: 'added',
  D: 'deleted',
  M: 'modified',
  R: 'renamed',
  C: 'copied',
  T: 'type-changed',
};

/**
 * Parses the output of `git diff-tree --stdin -r -z --raw --numstat` for one pair of trees.
 * @param output the whole output
 * @param most how many files to return; the others are only counted
 */
export function parseChangedFiles(
  output: Buffer,
  most: number,
): { readonly files: readonly ChangedFile[]; readonly count: number } {
  const fields = new Fields(output, output.indexOf(0x0a) + 1);
  const raw: Omit<ChangedFile, 'added' | 'deleted'>[] = [];
  let count = 0;
  for (; fields.next() === 0x3a; count++) {
    const [oldMode = '', newMode = '', oldId = '', newId = '', status = ''] = fields
      .take()
      .toString('latin1', 1)
      .split(' ');
    const oldPath = fields.take();
    const newPath = /^[RC]/.test(status) ? fields.take() : oldPath;
    if (count >= most) continue;
    raw.push({
      status: STATUS[status.charAt(0)] ?? 'modified',
      oldPath,
      newPath,
      oldMode,
      newMode,
      oldId,
      newId,
    });
  }
  const files = raw.map((file) => ({ ...file, ...lines(fields) }));
  return { files, count };
}

/** Reads one record of `--numstat`; that of a rename has its two paths in fields of their own. */
function lines(fields: Fields): Pick<ChangedFile, 'added' | 'deleted'> {
  const [added = '-', deleted = '-', path = ''] = fields.take().toString('latin1').split('\t');
  if (path === '') {
    fields.take();
    fields.take();
  }
  return { added: numberOf(added), deleted: numberOf(deleted) };
}

function numberOf(text: string): number | undefined {
  return text === '-' ? undefined : Number(text);
}

/** Fields that end with NUL. */
class Fields {
  private readonly bytes: Buffer;
  private at: number;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  /** The first byte of the next field; undefined at the end. */
  next(): number | undefined {
    return this.bytes[this.at];
  }

  take(): Buffer {
    const found = this.bytes.indexOf(0, this.at);
    const end = found === -1 ? this.bytes.length : found;
    const field = this.bytes.subarray(this.at, end);
    this.at = end + 1;
    return field;
  }
}
