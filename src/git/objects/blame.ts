import { type Person, parsePerson } from './person.ts';
import { decodeText } from './text-encoding.ts';

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

/** What is said of a commit: it may have a message of any size, so it is not read. */
export interface BlamedCommit {
  readonly oid: string;
  readonly author: Person;
  /** The first line of its message, as git makes it. */
  readonly subject: string;
}

const HEAD = /^([0-9a-f]{40}|[0-9a-f]{64}) (\d+) (\d+) (\d+)$/;
const PREVIOUS = /^([0-9a-f]{40}|[0-9a-f]{64}) (.*)$/s;

/**
 * Reads what `git blame --incremental` prints.
 * @param output may end anywhere; a group that is not complete is left out
 * @returns groups in the order in which git found them, and their commits by id
 */
export function parseBlame(output: Buffer): {
  readonly groups: BlameGroup[];
  readonly commits: Map<string, BlamedCommit>;
} {
  const groups: BlameGroup[] = [];
  const commits = new Map<string, BlamedCommit>();
  let head: RegExpExecArray | null = null;
  const said = new Map<string, string>();
  const lines = output.toString('latin1').split('\n');
  // What is behind the last line feed is no whole line.
  lines.pop();
  for (const line of lines) {
    if (head === null) {
      head = HEAD.exec(line);
      said.clear();
      continue;
    }
    const space = line.indexOf(' ');
    said.set(space === -1 ? line : line.slice(0, space), line.slice(space + 1));
    if (!line.startsWith('filename ')) continue;
    const [, oid = '', firstThere, first, count] = head;
    // git says each commit once.
    if (!commits.has(oid)) commits.set(oid, commitOf(oid, said));
    const [, before = '', path = ''] = PREVIOUS.exec(said.get('previous') ?? '') ?? [];
    groups.push({
      oid,
      first: Number(first),
      count: Number(count),
      firstThere: Number(firstThere),
      path: unquotePath(said.get('filename') ?? ''),
      previous: before === '' ? undefined : { oid: before, path: unquotePath(path) },
    });
    head = null;
  }
  return { groups, commits };
}

function commitOf(oid: string, said: ReadonlyMap<string, string>): BlamedCommit {
  const text = (key: string) => decodeText(Buffer.from(said.get(key) ?? '', 'latin1'));
  const author = ['author', 'author-mail', 'author-time', 'author-tz'].map(text).join(' ');
  return { oid, author: parsePerson(author), subject: text('summary') };
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
