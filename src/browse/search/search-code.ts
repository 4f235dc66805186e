import { decodeText, type GrepLine, parseGrep } from '../../git/index.ts';
import { grepTree } from '../../git-process/search-commands.ts';
import { splitPath } from '../paths.ts';
import { readOutput } from '../read-output.ts';
import type { RepositoryView } from '../repository-view.ts';

/** A file in which the text was found. */
export interface CodeFile {
  readonly path: readonly Buffer[];
  /** Lines that were found and those around them, ascending. Not all numbers need follow one another. */
  readonly lines: readonly CodeLine[];
}

/** A line, of a very long one only the part that matters. */
export interface CodeLine {
  readonly number: number;
  readonly text: string;
  /** Where in `text` the words are; undefined in lines around. */
  readonly found: { readonly from: number; readonly to: number } | undefined;
}

export interface CodeSearch {
  readonly files: readonly CodeFile[];
  /** True if there may be more: a bound of time, memory or size was met. */
  readonly cut: boolean;
}

/** Bounds of one search. */
const MOST_FILES = 100;
const IN_FILE = 5;
const CONTEXT = 2;
const BOUNDS = { bytes: 4 * 1024 * 1024, milliseconds: 4_000, fine: [0, 1] };
/** Bytes of a line that are shown before the words, and in all. */
const BEFORE = 80;
const LINE = 240;

/**
 * Searches the files of a tree for a text, which is no pattern. Binary files are left out.
 * @param query one line; upper and lower case differ only if it has an upper-case letter
 */
export async function searchCode(view: RepositoryView, tree: string, query: string): Promise<CodeSearch> {
  const pieces: Buffer[] = [];
  const options = { context: CONTEXT, inFile: IN_FILE, caseMatters: /\p{Lu}/u.test(query) };
  const end = await readOutput(
    view,
    grepTree(await view.gitDir(), tree, options),
    `${query}\n`,
    BOUNDS,
    (piece) => {
      pieces.push(piece);
      return true;
    },
  );
  const { files, more } = parseGrep(Buffer.concat(pieces), tree, MOST_FILES);
  const length = Buffer.byteLength(query);
  return {
    files: files.map(({ path, lines }) => ({
      path: splitPath(path),
      lines: lines.map((line) => shortLine(line, length)),
    })),
    cut: more || end !== 'whole',
  };
}

/** The part of a line around a match. */
function shortLine({ number, column, text }: GrepLine, length: number): CodeLine {
  const line = text.at(-1) === 0x0d ? text.subarray(0, -1) : text;
  if (column === undefined) return { number, text: part(line, 0, LINE), found: undefined };
  const at = column - 1;
  const start = at > LINE - BEFORE ? at - BEFORE : 0;
  const before = part(line, start, at);
  const words = part(line, at, at + length);
  const after = part(line, at + length, Math.max(at + length, start + LINE));
  const from = before.length;
  return { number, text: before + words + after, found: { from, to: from + words.length } };
}

/** A part of a line. No character of several bytes is cut through. */
function part(line: Buffer, from: number, to: number): string {
  return decodeText(line.subarray(startOfCharacter(line, from), startOfCharacter(line, to)));
}

/** Where the character of UTF-8 begins that a byte belongs to. */
function startOfCharacter(line: Buffer, at: number): number {
  for (let start = at; start > at - 4 && start > 0; start--) {
    if (((line[start] ?? 0) & 0xc0) !== 0x80) return start;
  }
  return at;
}
