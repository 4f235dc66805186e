import { decodeByLine } from '../objects/text-encoding.ts';
import type { PatchSection } from './patch-sections.ts';

/** A part of a line, in UTF-16 units: from the first to before the second. */
export type Mark = readonly [start: number, end: number];

/** A line of a unified diff. */
export interface DiffLine {
  readonly kind: 'context' | 'added' | 'deleted';
  /** Line numbers, from 1; undefined where the line is not in that file. */
  readonly oldLine: number | undefined;
  readonly newLine: number | undefined;
  /** Without its line feed. Beyond what is shown of a line, it ends with an ellipsis. */
  readonly text: string;
  /** The last line of a file that has no line feed at its end. */
  readonly noLineFeed?: true;
  /** Differences from the line beside it; absent if everything differs, or if they were not searched. */
  readonly marks?: readonly Mark[];
}

export interface DiffHunk {
  /** The text after the second `@@`: the function of the change, as far as git knows. */
  readonly heading: string;
  readonly lines: readonly DiffLine[];
}

/** The changes of one file. */
export interface FileDiff {
  readonly binary: boolean;
  readonly hunks: readonly DiffHunk[];
  /** Whether lines were left out, because the file or the diff has too many. */
  readonly cut: boolean;
}

/** How much of a diff is read. */
export interface DiffBounds {
  /** Lines of one file. */
  readonly lines: number;
  /** Characters of a line. */
  readonly columns: number;
}

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)$/s;
const HEADING = 200;

/** Reads the sections of one file: one, or two if its type changes, or none. What is not whole is marked as cut. */
export function parseFileDiff(sections: readonly PatchSection[], bounds: DiffBounds): FileDiff {
  const parts: FileDiff[] = [];
  let left = bounds.lines;
  for (const section of sections) {
    const part = parseSection(section, { ...bounds, lines: left });
    left -= countLines(part);
    parts.push(part);
  }
  return {
    binary: parts.some(({ binary }) => binary),
    hunks: parts.flatMap(({ hunks }) => hunks),
    cut: parts.some(({ cut }) => cut),
  };
}

/** Lines of all hunks. */
export function countLines({ hunks }: Pick<FileDiff, 'hunks'>): number {
  return hunks.reduce((sum, { lines }) => sum + lines.length, 0);
}

function parseSection({ bytes, complete }: PatchSection, bounds: DiffBounds): FileDiff {
  const text = decodeByLine(bytes);
  const hunks: { heading: string; lines: DiffLine[] }[] = [];
  let [oldLine, newLine, count, cut] = [0, 0, 0, !complete];
  let binary = false;
  // Behind the last line feed there is nothing, or a line that was cut off.
  for (
    let start = 0, end = text.indexOf('\n');
    end !== -1;
    start = end + 1, end = text.indexOf('\n', start)
  ) {
    const sign = text.charAt(start);
    if (sign === '@') {
      const hunk = HUNK.exec(text.slice(start, end));
      if (hunk === null) continue;
      [oldLine, newLine] = [Number(hunk[1]), Number(hunk[2])];
      hunks.push({ heading: (hunk[3] ?? '').slice(0, HEADING), lines: [] });
      continue;
    }
    const lines = hunks.at(-1)?.lines;
    if (lines === undefined) {
      binary ||= text.startsWith('Binary files ', start) || text.startsWith('GIT binary patch', start);
      continue;
    }
    if (sign === '\\') {
      const last = lines.pop();
      if (last !== undefined) lines.push({ ...last, noLineFeed: true });
      continue;
    }
    if (count === bounds.lines) {
      cut = true;
      break;
    }
    count++;
    const line = cutText(text, start + 1, end, bounds.columns);
    if (sign === '+') lines.push({ kind: 'added', oldLine: undefined, newLine: newLine++, text: line });
    else if (sign === '-')
      lines.push({ kind: 'deleted', oldLine: oldLine++, newLine: undefined, text: line });
    else lines.push({ kind: 'context', oldLine: oldLine++, newLine: newLine++, text: line });
  }
  // Where lines end, a hunk may have begun that has none.
  return { binary, hunks: hunks.filter(({ lines }) => lines.length > 0), cut };
}

/** A part of a text, cut to a length. No pair of surrogates is split. */
export function cutText(text: string, start: number, end: number, most: number): string {
  if (end - start <= most) return text.slice(start, end);
  return `${text.slice(start, start + most).replace(/[\ud800-\udbff]$/, '')}…`;
}
