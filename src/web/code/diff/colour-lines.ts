import type { Differences, FileDifference } from '../../../browse/differences.ts';
import type { DiffLine } from '../../../git/index.ts';
import { isCairnError } from '../../../lib/errors.ts';
import type { PieceOfCode } from '../../render/highlight.ts';
import { languageOf } from '../../render/language-of.ts';
import type { Renderer } from '../../render/render-pool.ts';
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

/** A run of lines that belong together in one version of a file. */
interface Side {
  readonly piece: PieceOfCode;
  /** What each line of the piece stands for; undefined for those that the other side marks. */
  readonly lines: readonly (DiffLine | undefined)[];
}

/**
 * Marks the words of both versions of changed files, hunk by hunk.
 * @param onCut called if the renderer has no time, so that the lines stay plain for now
 */
export async function colourLines(
  renderer: Renderer,
  { files }: Differences,
  onCut?: () => void,
): Promise<ColouredLines> {
  const sides = files.flatMap(sidesOf);
  const size = sides.reduce((sum, { piece }) => sum + piece.text.length, 0);
  if (size === 0 || size > MOST_COLOURED) return new Map();
  const pieces = sides.map(({ piece }) => piece);
  const coloured = await renderer.render('pieces', { pieces, columns: COLUMNS }).catch((error: unknown) => {
    if (!isCairnError(error, 'busy')) throw error;
    onCut?.();
    return undefined;
  });
  return new Map(
    sides.flatMap(({ lines }, at) => {
      const html = coloured?.[at];
      if (html === undefined || html.length !== lines.length) return [];
      return lines.flatMap((line, index) => (line === undefined ? [] : [[line, html[index] ?? ''] as const]));
    }),
  );
}

function sidesOf({ file, diff }: FileDifference): Side[] {
  const sideOf = (lines: readonly DiffLine[], path: Buffer, own: (line: DiffLine) => boolean): Side[] => {
    const language = languageOf(nameOf(path), '');
    if (language === undefined || !lines.some(own)) return [];
    const text = lines.map((line) => withoutReturn(line.text)).join('\n');
    return [{ piece: { text, language }, lines: lines.map((line) => (own(line) ? line : undefined)) }];
  };
  return (diff?.hunks ?? []).flatMap(({ lines }) => {
    const [before, after] = [
      lines.filter(({ kind }) => kind !== 'added'),
      lines.filter(({ kind }) => kind !== 'deleted'),
    ];
    return [
      ...sideOf(after, file.newPath, () => true),
      // Lines of both sides are marked as they are now.
      ...sideOf(before, file.oldPath, ({ kind }) => kind === 'deleted'),
    ];
  });
}

function nameOf(path: Buffer): string {
  return path.subarray(path.lastIndexOf('/') + 1).toString('utf8');
}
