import { createRequire } from 'node:module';
import type { LanguageFn } from 'highlight.js';
import hljs from 'highlight.js/lib/core';
import { type Language, languageNamed } from './language-of.ts';
import { MOST_MARKED, markedLines } from './marked-lines.ts';
import { placesToBegin } from './places-to-begin.ts';

/** A text whose words are to be marked. */
export interface CodeQuestion {
  readonly text: string;
  readonly language: Language;
  /** Characters of a line that are shown. */
  readonly columns: number;
}

/** Texts that have nothing to do with each other, as the files of a difference have. */
export interface PiecesQuestion {
  readonly pieces: readonly PieceOfCode[];
  /** Characters of a line that are shown. */
  readonly columns: number;
}

export interface PieceOfCode extends Pick<CodeQuestion, 'text' | 'language'> {
  /** Runs of lines whose HTML is wanted, in ascending order; all lines without it. */
  readonly wanted?: readonly LineRun[];
}

/** Lines that follow each other. */
export interface LineRun {
  /** From 0. */
  readonly first: number;
  readonly count: number;
}

/** Characters that are marked for the sake of lines behind them, in all pieces; they take 150 ms. */
export const MOST_WHOLE = 256 * 1024;

/** Characters of its HTML: a text of nothing but brackets grows to 30 times its size. */
const MOST_HTML = 4 * 1024 * 1024;

const load = createRequire(import.meta.url);

/**
 * Marks the words of source code with the classes of highlight.js. May take very long, so it runs in a thread that can be ended.
 * @returns HTML of each line, complete in itself; undefined for a text that is better shown plain
 */
export function highlightLines({ text, language, columns }: CodeQuestion): readonly string[] | undefined {
  const marked = text.length > MOST_MARKED ? undefined : mark(text, language);
  if (marked === undefined || marked.length > MOST_HTML) return undefined;
  return markedLines(marked, { columns, size: MOST_HTML });
}

/**
 * Marks several texts, each as {@link highlightLines}. If some lines are wanted of a text, each run of them is marked from where it
 * begins, or from the line with the beginning of the comment or template that it begins in. Where nothing is known about the language,
 * the text is marked from its beginning.
 * @returns for each text the HTML of the wanted lines; undefined for lines that are better shown plain
 */
export function highlightPieces({ pieces, columns }: PiecesQuestion): (readonly (string | undefined)[])[] {
  let left = MOST_WHOLE;
  return pieces.map(({ text, language, wanted }) => {
    const lines = text.split('\n');
    const runs = wanted ?? [{ first: 0, count: lines.length }];
    const places = beginningsOf(lines);
    const starts = runs.map(({ first }) => places[first] ?? 0);
    const begins = placesToBegin(text, language, starts);
    if (begins === undefined && text.length <= left && starts.some((start) => start > 0)) {
      left -= text.length;
      const marked = highlightLines({ text, language, columns });
      if (marked?.length === lines.length)
        return runs.flatMap(({ first, count }) => marked.slice(first, first + count));
    }
    return runs.flatMap(({ first, count }, at): readonly (string | undefined)[] => {
      const before = (starts[at] ?? 0) - (begins?.[at] ?? starts[at] ?? 0);
      // A comment that is too long to be marked leaves its lines with the colours of code.
      const from = before > left ? first : first - linesIn(places, first, before);
      left -= Math.min(left, (starts[at] ?? 0) - (places[from] ?? 0));
      const part = lines.slice(from, first + count);
      const marked = highlightLines({ text: part.join('\n'), language, columns });
      return marked?.length === part.length
        ? marked.slice(first - from)
        : Array<undefined>(count).fill(undefined);
    });
  });
}

/** Where each line begins in its text. */
function beginningsOf(lines: readonly string[]): number[] {
  let place = 0;
  return lines.map((line) => {
    const begin = place;
    place += line.length + 1;
    return begin;
  });
}

/** How many lines there are from the one that has a place before a line, up to that line. @param before characters */
function linesIn(places: readonly number[], line: number, before: number): number {
  const place = (places[line] ?? 0) - before;
  let from = line;
  while (from > 0 && (places[from] ?? 0) > place) from--;
  return line - from;
}

/**
 * Marks a block of code, as {@link highlightLines}.
 * @param word names the language
 * @returns HTML; undefined for a language that is not known
 */
export function highlightCode(code: string, word: string): string | undefined {
  const language = languageNamed(word);
  return language === undefined ? undefined : mark(code, language);
}

function mark(code: string, language: Language): string | undefined {
  learn(language);
  const { value, errorRaised } = hljs.highlight(code, { language, ignoreIllegals: true });
  return errorRaised === undefined ? value : undefined;
}

/** Loads a language, and those inside it, when it is first needed: all of them take 80 ms and 60 MiB. */
function learn(language: string): void {
  const missing = [language];
  for (let name = missing.pop(); name !== undefined; name = missing.pop()) {
    if (hljs.getLanguage(name) !== undefined) continue;
    hljs.registerLanguage(name, load(`highlight.js/lib/languages/${name}`) as LanguageFn);
    missing.push(...languagesIn(hljs.getLanguage(name)));
  }
}

/** The names of languages that a definition has inside. Guessed languages are not included, because guessing is slow. */
function languagesIn(definition: unknown): Set<string> {
  const names = new Set<string>();
  const seen = new Set<unknown>();
  const rest = [definition];
  while (rest.length > 0) {
    const part = rest.pop();
    if (typeof part !== 'object' || part === null || part instanceof RegExp || seen.has(part)) continue;
    seen.add(part);
    if ('subLanguage' in part && typeof part.subLanguage === 'string') names.add(part.subLanguage);
    rest.push(...Object.values(part));
  }
  return names;
}
