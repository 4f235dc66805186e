import { html, raw } from 'hono/html';
import { type DiffHunk, type DiffLine, type FileDiff, splitRows } from '../../../git/index.ts';
import { escapeHtml } from '../../escape-html.ts';
import type { Html } from '../../layout.ts';
import { markRanges } from '../../render/mark-ranges.ts';
import type { ColouredLines } from './colour-lines.ts';
import { withoutReturn } from './visible-line.ts';

/** The first row has no cell for each column, so widths are said before it. */
const COLUMNS = html`<colgroup><col class="number"><col><col class="number"><col></colgroup>
`;

/** How lines are shown. */
interface ShownAs {
  /** Whether a CR at the end of a line is shown. */
  readonly returns: boolean;
  readonly coloured: ColouredLines;
}

const SIGNS = { added: '+', deleted: '-', context: ' ' } as const;

/**
 * The lines of a file that changed.
 * @param name id of the element that names the file
 * @param twoColumns whether old and new lines stand beside each other, where there are both
 * @param coloured HTML of lines; others are plain
 */
export function diffLinesHtml(
  { hunks }: FileDiff,
  name: string,
  twoColumns: boolean,
  coloured: ColouredLines,
): Html {
  const split = twoColumns && !isOneSided(hunks);
  const shown = { returns: mixesReturns(hunks), coloured };
  return html`<div class="code diff${split ? ' split' : ''}" role="region" aria-labelledby="${name}" tabindex="0"><table>
${split ? COLUMNS : ''}<tbody>
${hunks.map((hunk, at) => [
  at === 0 && beginsFile(hunk)
    ? ''
    : html`<tr class="hunk"><td class="number"></td>${split ? html`<td colspan="3">` : html`<td class="number"></td><td>`}<code>… ${hunk.heading}</code></td></tr>
`,
  split
    ? splitRows(hunk.lines).map(({ left, right }) => splitRow(left, right, shown))
    : hunk.lines.map((line) => row(line, shown)),
])}</tbody>
</table></div>
`;
}

/** Whether all lines are new, or all are gone: a column for the others would be empty. */
function isOneSided(hunks: readonly DiffHunk[]): boolean {
  const kinds = new Set(hunks.flatMap(({ lines }) => lines.map(({ kind }) => kind)));
  return kinds.size === 1 && !kinds.has('context');
}

/** Whether no line is left out before a hunk. */
function beginsFile({ lines: [first] }: DiffHunk): boolean {
  return (first?.oldLine ?? 1) === 1 && (first?.newLine ?? 1) === 1;
}

/** Whether lines end with CR here and not there. Only then that is shown. */
function mixesReturns(hunks: readonly DiffHunk[]): boolean {
  const changed = hunks.flatMap(({ lines }) => lines).filter(({ kind }) => kind !== 'context');
  const ends = changed.filter(({ text }) => text.endsWith('\r')).length;
  return ends > 0 && ends < changed.length;
}

function row(line: DiffLine, shown: ShownAs): Html {
  const { kind, oldLine, newLine } = line;
  return html`<tr class="${kind}"><td class="number">${oldLine ?? ''}</td><td class="number">${newLine ?? ''}</td><td>${content(line, shown)}</td></tr>
`;
}

function splitRow(left: DiffLine | undefined, right: DiffLine | undefined, shown: ShownAs): Html {
  return html`<tr>${side(left, left?.oldLine, shown)}${side(right, right?.newLine, shown)}</tr>
`;
}

function side(line: DiffLine | undefined, number: number | undefined, shown: ShownAs): Html {
  if (line === undefined) return html`<td class="number none"></td><td class="none"></td>`;
  return html`<td class="number">${number ?? ''}</td><td class="${line.kind}">${content(line, shown)}</td>`;
}

function content(line: DiffLine, { returns, coloured }: ShownAs): Html {
  const { kind, text, marks = [], noLineFeed } = line;
  const end = noLineFeed === true ? html`<span class="quiet"> no line feed at the end</span>` : '';
  const shown = withoutReturn(text);
  const atEnd = returns && shown.length < text.length ? '␍' : '';
  // Escaped, or marked by the renderer, which escapes as well.
  const markedUp = markRanges(`${coloured.get(line) ?? escapeHtml(shown)}${atEnd}`, marks);
  return html`<code>${SIGNS[kind]}${raw(markedUp)}</code>${end}`;
}
