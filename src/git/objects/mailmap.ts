import { decodeByLine } from './text-encoding.ts';

/** A name and an address, as written in a commit. */
export interface Named {
  readonly name: string;
  readonly email: string;
}

/** What replaces a name, an address, or both. */
interface Replacement {
  name?: string;
  email?: string;
}

/** Everything known about one address. */
interface Entry {
  /** For everybody with this address. */
  readonly simple: Replacement;
  /** For those who have this name, too; by the folded name. */
  readonly byName: Map<string, Replacement>;
}

/** Lines that are read; the rest of a longer file does not count. */
export const MOST_MAILMAP_LINES = 50_000;
/** Characters of a line that are read. git stops at 1,024 in files, too. */
const LINE_LENGTH = 4_096;

/**
 * The names and addresses that people want to be shown with: git's `.mailmap` (gitmailmap(5)). It answers as
 * `git check-mailmap` does.
 */
export class Mailmap {
  private readonly entries: ReadonlyMap<string, Entry>;

  private constructor(entries: ReadonlyMap<string, Entry>) {
    this.entries = entries;
  }

  static readonly empty: Mailmap = new Mailmap(new Map());

  /** Reads a file. Nothing is refused: a line that cannot be read counts for nothing. */
  static parse(content: Buffer): Mailmap {
    const entries = new Map<string, Entry>();
    // A NUL ends the file for git.
    const [text = ''] = decodeByLine(content).split('\0', 1);
    let start = 0;
    for (let count = 0; start < text.length && count < MOST_MAILMAP_LINES; count++) {
      const found = text.indexOf('\n', start);
      const end = found === -1 ? text.length : found;
      readLine(entries, text.slice(start, Math.min(end, start + LINE_LENGTH)));
      start = end + 1;
    }
    return entries.size === 0 ? Mailmap.empty : new Mailmap(entries);
  }

  /** The same person with the name and address to be shown; the argument itself if nothing replaces them. */
  apply<T extends Named>(person: T): T {
    const entry = this.entries.get(fold(person.email));
    if (entry === undefined) return person;
    const found = entry.byName.get(fold(person.name)) ?? entry.simple;
    return found.name === undefined && found.email === undefined ? person : { ...person, ...found };
  }
}

/**
 * Reads `Proper Name <proper@address> Commit Name <commit@address>`, whose names and second address may be missing.
 */
function readLine(entries: Map<string, Entry>, line: string): void {
  if (line.startsWith('#')) return;
  const first = readNamed(line, 0);
  if (first === undefined || first.email === '') return;
  const second = readNamed(line, first.end);
  // With one address, it is that of the commit, and stays.
  const [key, email] = second === undefined ? [first.email, undefined] : [second.email, first.email];
  const replacement: Replacement = {
    ...(first.name === '' ? {} : { name: first.name }),
    ...(email === undefined ? {} : { email }),
  };
  const entry = entries.get(fold(key)) ?? { simple: {}, byName: new Map<string, Replacement>() };
  entries.set(fold(key), entry);
  if (second === undefined || second.name === '') Object.assign(entry.simple, replacement);
  else entry.byName.set(fold(second.name), replacement);
}

/** Reads `Name <address>`. @returns where it ends, too; undefined if there is none */
function readNamed(line: string, from: number): (Named & { readonly end: number }) | undefined {
  const left = line.indexOf('<', from);
  const right = left === -1 ? -1 : line.indexOf('>', left + 1);
  if (right === -1) return undefined;
  return { name: trim(line.slice(from, left)), email: line.slice(left + 1, right), end: right + 1 };
}

/** Only these characters are spaces to git. */
function trim(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && ' \t\r\n'.includes(text.charAt(start))) start++;
  while (end > start && ' \t\r\n'.includes(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}

/** git compares without regard to case, but only that of ASCII letters. */
function fold(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
