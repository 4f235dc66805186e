/** Lines that came into a file together. */
export interface BlameGroup {
  /** The commit that they come from. */
  readonly oid: string;
  /** The first of them, counted from 1, and how many there are. */
  readonly first: number;
  readonly count: number;
  /** The first of them in that commit. */
  readonly firstThere: number;
  /** What the file was called there. */
  readonly path: Buffer;
  /** The commit before, which does not have these lines, and what the file was called there. */
  readonly previous: { readonly oid: string; readonly path: Buffer } | undefined;
}

const HEAD = /^([0-9a-f]{40}|[0-9a-f]{64}) (\d+) (\d+) (\d+)$/;
const PREVIOUS = /^previous ([0-9a-f]{40}|[0-9a-f]{64}) (.*)$/s;

/**
 * Reads what `git blame --incremental` prints.
 * @param output may end anywhere; a group that is not complete is left out
 * @returns groups in the order in which git found them
 */
export function parseBlame(output: Buffer): BlameGroup[] {
  const groups: BlameGroup[] = [];
  let head: RegExpExecArray | null = null;
  let previous: BlameGroup['previous'];
  const lines = output.toString('latin1').split('\n');
  // What is behind the last line feed is no whole line.
  lines.pop();
  for (const line of lines) {
    if (head === null) {
      head = HEAD.exec(line);
      previous = undefined;
      continue;
    }
    const [, oid = '', path = ''] = PREVIOUS.exec(line) ?? [];
    if (oid !== '') previous = { oid, path: unquotePath(path) };
    if (!line.startsWith('filename ')) continue;
    const [, commit = '', firstThere, first, count] = head;
    groups.push({
      oid: commit,
      first: Number(first),
      count: Number(count),
      firstThere: Number(firstThere),
      path: unquotePath(line.slice('filename '.length)),
      previous,
    });
    head = null;
  }
  return groups;
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/**
 * Reads a path as git prints it: in quotes, like a string of C, if it has unusual bytes.
 * @param text in latin1
 */
export function unquotePath(text: string): Buffer {
  if (!/^".*"$/s.test(text)) return Buffer.from(text, 'latin1');
  const plain = text
    .slice(1, -1)
    .replace(/\\([0-7]{3}|.)/gs, (_, code: string) =>
      code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (ESCAPES[code] ?? code),
    );
  return Buffer.from(plain, 'latin1');
}
