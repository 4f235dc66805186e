/** Histories with any bytes in them, written by one process of `git fast-import`. */
import type { GitClient } from './git-client.ts';

export interface ImportedCommit {
  /** The full name of the ref that it goes to. */
  readonly ref: string;
  readonly message: string | Uint8Array;
  /** `Name <mail>`. */
  readonly author?: string;
  /** Seconds, which may be before 1970. */
  readonly at?: number;
  /** Numbers of commits in the list, the first parent first. Absent: the ref as it is. */
  readonly parents?: readonly number[];
  /** Path → content, or another entry; undefined removes it. A path is text whose every character is a byte (Latin-1). */
  readonly files?: Readonly<Record<string, string | Uint8Array | ImportedEntry | undefined>>;
}

export interface ImportedEntry {
  readonly mode: '100644' | '100755' | '120000' | '160000' | '040000';
  /** What it holds; of a submodule or a folder, the object's id. */
  readonly is: string | Uint8Array;
}

export interface ImportedTag {
  readonly name: string;
  /** Number of a commit in the list. */
  readonly of: number;
  readonly message: string;
  readonly tagger?: string;
}

const SOMEBODY = 'A User <user@example.com>';
/** 2024-01-01. */
const FIRST = Date.UTC(2024, 0, 1) / 1000;

/** Imports commits, then tags. @returns the ids of the commits */
export async function importHistory(
  client: GitClient,
  commits: readonly ImportedCommit[],
  tags: readonly ImportedTag[] = [],
): Promise<string[]> {
  const parts: (string | Uint8Array)[] = ['feature done\nfeature get-mark\n'];
  commits.forEach((commit, at) => {
    const { ref, message, author = SOMEBODY, parents, files = {} } = commit;
    const when = commit.at ?? FIRST + at * 86_400;
    if (parents?.length === 0) parts.push(`reset ${ref}\n\n`);
    parts.push(
      `commit ${ref}\nmark :${at + 1}\nauthor ${author} ${when} +0100\ncommitter ${author} ${when} +0100\n`,
    );
    parts.push(...data(message));
    const from = (parents ?? []).map((parent, place) => `${place === 0 ? 'from' : 'merge'} :${parent + 1}\n`);
    parts.push(...from);
    for (const [path, file] of Object.entries(files)) parts.push(...entry(path, file));
    parts.push('\n');
  });
  for (const { name, of, message, tagger = SOMEBODY } of tags) {
    parts.push(`tag ${name}\nfrom :${of + 1}\ntagger ${tagger} ${FIRST} +0000\n`, ...data(message));
  }
  parts.push(...commits.map((_, at) => `get-mark :${at + 1}\n`));
  parts.push('done\n');
  const input = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
  const said = await client.run(['fast-import', '--quiet', '--date-format=raw-permissive', '--force'], {
    input,
  });
  return said.split('\n');
}

function entry(path: string, file: string | Uint8Array | ImportedEntry | undefined): (string | Uint8Array)[] {
  const name = quote(path);
  if (file === undefined) return [`D ${name}\n`];
  if (typeof file === 'string' || file instanceof Uint8Array)
    return [`M 100644 inline ${name}\n`, ...data(file)];
  const { mode, is } = file;
  if (mode === '160000' || mode === '040000') return [`M ${mode} ${String(is)} ${name}\n`];
  return [`M ${mode} inline ${name}\n`, ...data(is)];
}

function data(content: string | Uint8Array): (string | Uint8Array)[] {
  return [`data ${Buffer.byteLength(content)}\n`, content, '\n'];
}

/** A path as git quotes it: every byte that is no letter or digit as three octal digits. */
function quote(path: string): string {
  const bytes = [...Buffer.from(path, 'latin1')];
  return `"${bytes.map((byte) => (/[\w./-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`)).join('')}"`;
}
