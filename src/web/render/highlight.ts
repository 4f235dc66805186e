import { createRequire } from 'node:module';
import type { LanguageFn } from 'highlight.js';
import hljs from 'highlight.js/lib/core';
import { beginsInside } from './begins-inside.ts';
import { type Language, languageNamed } from './language-of.ts';
import { MOST_MARKED, markedLines } from './marked-lines.ts';

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

/** Characters of all pieces that are marked as a whole for the sake of some of their lines; they take 150 ms. */
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
 * Marks several texts, each as {@link highlightLines}. If some lines are wanted of a text, it is marked from its beginning only if
 * they begin within something that began before them.
 * @returns for each text the HTML of the wanted lines; undefined for lines that are better shown plain
 */
export function highlightPieces({ pieces, columns }: PiecesQuestion): (readonly (string | undefined)[])[] {
  let left = MOST_WHOLE;
  return pieces.map(({ text, language, wanted }) => {
    const lines = text.split('\n');
    const runs = wanted ?? [{ first: 0, count: lines.length }];
    const partOf = ({ first, count }: LineRun) => lines.slice(first, first + count).join('\n');
    if (text.length <= left && beginsInside(text, language, startsOf(lines, runs))) {
      left -= text.length;
      const marked = highlightLines({ text, language, columns });
      if (marked?.length === lines.length)
        return runs.flatMap(({ first, count }) => marked.slice(first, first + count));
    }
    return runs.flatMap((run): readonly (string | undefined)[] => {
      const marked = highlightLines({ text: partOf(run), language, columns });
      return marked?.length === run.count ? marked : Array<undefined>(run.count).fill(undefined);
    });
  });
}

/** Where runs of lines begin in their text. */
function startsOf(lines: readonly string[], runs: readonly LineRun[]): number[] {
  let [line, place] = [0, 0];
  return runs.map(({ first }) => {
    for (; line < first; line++) place += (lines[line] ?? '').length + 1;
    return place;
  });
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
