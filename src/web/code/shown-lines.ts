import { languageOf } from '../render/language-of.ts';
import { MOST_MARKED } from '../render/marked-lines.ts';
import type { Renderer } from '../render/render-pool.ts';
import { hasHiddenDirections, linesOf, type TextLines } from './file-text.ts';

/** The lines of a file that a page shows. */
export interface ShownLines extends TextLines {
  readonly encoding: string;
  /** HTML of each line; undefined where they are shown plain. */
  readonly marked?: readonly string[] | undefined;
  /** Whether lines, or parts of them, are left out. */
  readonly cut: boolean;
  /** Whether there are characters that change the writing direction. */
  readonly hiddenDirections: boolean;
}

/** Most lines of a file that are shown, and most characters of a line. */
const MOST_LINES = 20_000;
const COLUMNS = 2_000;

/**
 * Splits a text into the lines that a page shows.
 * @param marking absent: they are plain. Otherwise who marks them, and the name of the file, which tells the language
 */
export async function shownLines(
  { text, encoding }: { readonly text: string; readonly encoding: string },
  marking?: { readonly renderer: Renderer; readonly name: string },
): Promise<ShownLines> {
  const { lines: all, ...ends } = linesOf(text);
  const whole = all.slice(0, MOST_LINES);
  const lines = whole.map((line) => (line.length > COLUMNS ? `${beginning(line)}…` : line));
  return {
    lines,
    ...ends,
    encoding,
    cut: all.length > MOST_LINES || whole.some((line) => line.length > COLUMNS),
    hiddenDirections: hasHiddenDirections(text),
    marked: marking === undefined ? undefined : await mark(whole, marking.renderer, marking.name),
  };
}

async function mark(
  lines: readonly string[],
  renderer: Renderer,
  name: string,
): Promise<readonly string[] | undefined> {
  const language = languageOf(name, lines[0] ?? '');
  const text = lines.join('\n');
  if (language === undefined || text === '' || text.length > MOST_MARKED) return undefined;
  const marked = await renderer.render('code', { text, language, columns: COLUMNS });
  return marked?.length === lines.length ? marked : undefined;
}

/** Never half a pair of surrogates at the end. */
function beginning(line: string): string {
  return line.slice(0, COLUMNS).replace(/[\ud800-\udbff]$/, '');
}
