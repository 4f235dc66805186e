import type { Differences, FileDifference } from '../../../browse/differences.ts';
import type { DiffLine } from '../../../git/index.ts';
import { isCairnError } from '../../../lib/errors.ts';
import type { LineRun, PieceOfCode } from '../../render/highlight.ts';
import type { Renderer } from '../../render/render-pool.ts';
import { type FileContext, type FileContexts, nameLanguage } from './file-contexts.ts';
import { withoutReturn } from './visible-line.ts';

/** HTML of lines whose words are marked as what they are in their language. Lines that are not there are plain. */
export type ColouredLines = ReadonlyMap<DiffLine, string>;

/**
 * Characters of all lines that are marked. They take some ten milliseconds of another thread; a page with more, which takes long
 * enough, is plain.
 */
export const MOST_COLOURED = 64 * 1024;
/** Characters of a line that are shown: a difference has cut them already. */
const COLUMNS = 4_096;

/** One version of a file, or of a hunk. */
interface Side {
  readonly piece: PieceOfCode;
  /** What each wanted line of the piece stands for; undefined for those that the other side marks. */
  readonly lines: readonly (DiffLine | undefined)[];
}

export interface ColouringOptions {
  /** Reads the files around the hunks; absent: each hunk is marked as if it began its file. */
  readonly contexts?: (files: readonly FileDifference[]) => Promise<FileContexts>;
  /** Called if the renderer has no time, so that the lines stay plain for now. */
  readonly onCut?: (() => void) | undefined;
}

/** Marks the words of both versions of changed files. */
export async function colourLines(
  renderer: Renderer,
  { files }: Differences,
  { contexts, onCut }: ColouringOptions = {},
): Promise<ColouredLines> {
  const size = files
    .flatMap((file) => sidesOf(file, {}))
    .reduce((sum, side) => sum + side.piece.text.length, 0);
  if (size === 0 || size > MOST_COLOURED) return new Map();
  const found = await contexts?.(files);
  const sides = files.flatMap((file) => sidesOf(file, found?.get(file) ?? {}));
  const pieces = sides.map(({ piece }) => piece);
  const coloured = await renderer.render('pieces', { pieces, columns: COLUMNS }).catch((error: unknown) => {
    if (!isCairnError(error, 'busy')) throw error;
    onCut?.();
    return undefined;
  });
  const marked = new Map<DiffLine, string>();
  for (const [at, { lines }] of sides.entries()) {
    for (const [index, line] of lines.entries()) {
      const html = coloured?.[at]?.[index];
      if (line !== undefined && html !== undefined) marked.set(line, html);
    }
  }
  return marked;
}

function sidesOf({ file, diff }: FileDifference, { before, after }: FileContext): Side[] {
  const hunks = diff?.hunks ?? [];
  const without = (kind: DiffLine['kind']) =>
    hunks.map(({ lines }) => lines.filter((line) => line.kind !== kind)).filter((lines) => lines.length > 0);
  return [
    ...sideOf(
      file.newPath,
      without('deleted'),
      after,
      ({ newLine }) => newLine,
      () => true,
    ),
    // Lines of both sides are marked as they are now.
    ...sideOf(
      file.oldPath,
      without('added'),
      before,
      ({ oldLine }) => oldLine,
      ({ kind }) => kind === 'deleted',
    ),
  ];
}

/**
 * One side of a file: as a whole if that is known, otherwise hunk by hunk.
 * @param hunks the lines of this side
 * @param number of a line in the file, from 1
 * @param own whether this side marks a line
 */
function sideOf(
  path: Buffer,
  hunks: readonly (readonly DiffLine[])[],
  whole: string | undefined,
  number: (line: DiffLine) => number | undefined,
  own: (line: DiffLine) => boolean,
): Side[] {
  const language = nameLanguage(path);
  // What follows the last line of this side is left out.
  const wanted = hunks
    .map((lines) => lines.slice(0, lines.findLastIndex(own) + 1))
    .filter((lines) => lines.length > 0);
  if (language === undefined || wanted.length === 0) return [];
  const standsFor = (line: DiffLine) => (own(line) ? line : undefined);
  const apart = wanted.map((lines) => ({
    piece: { text: lines.map(({ text }) => withoutReturn(text)).join('\n'), language },
    lines: lines.map(standsFor),
  }));
  if (whole === undefined) return apart;
  const runs = wanted.map((lines) => ({
    first: (number(lines[0] as DiffLine) ?? 1) - 1,
    count: lines.length,
  }));
  const text = textUpTo(whole, wanted, runs);
  return text === undefined
    ? apart
    : [{ piece: { text, language, wanted: runs }, lines: wanted.flat().map(standsFor) }];
}

/**
 * The text of a file up to the last wanted line. The wanted lines are those of the difference, which may have been cut.
 * @returns undefined if the file is not the one of the difference
 */
function textUpTo(
  whole: string,
  hunks: readonly (readonly DiffLine[])[],
  runs: readonly LineRun[],
): string | undefined {
  const all = whole.split('\n', (runs.at(-1)?.first ?? 0) + (runs.at(-1)?.count ?? 0)).map(withoutReturn);
  for (const [at, { first, count }] of runs.entries()) {
    if (first + count > all.length) return undefined;
    for (const [index, { text }] of (hunks[at] ?? []).entries()) all[first + index] = withoutReturn(text);
  }
  return all.join('\n');
}
