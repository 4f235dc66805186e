import { html } from 'hono/html';
import { type DiffHunk, type DiffLine, type FileDiff, type Mark, splitRows } from '../../../git/index.ts';
import type { Html } from '../../layout.ts';

/** The first row has no cell for each column, so widths are said before it. */
const COLUMNS = html`<colgroup><col class="number"><col><col class="number"><col></colgroup>
`;

const SIGNS = { added: '+', deleted: '-', context: ' ' } as const;

/** The lines of a file that changed, in one column or two. */
export function diffLinesHtml({ hunks }: FileDiff, split: boolean): Html {
  const returns = mixesReturns(hunks);
  return html`<div class="code diff${split ? ' split' : ''}" role="region" aria-label="Changes" tabindex="0"><table>
${split ? COLUMNS : ''}<tbody>
${hunks.map(({ heading, lines }) => [
  html`<tr class="hunk"><td class="number"></td>${split ? html`<td colspan="3">` : html`<td class="number"></td><td>`}<code>… ${heading}</code></td></tr>
`,
  split
    ? splitRows(lines).map(({ left, right }) => splitRow(left, right, returns))
    : lines.map((line) => row(line, returns)),
])}</tbody>
</table></div>
`;
}

/** Whether lines end with CR here and not there. Only then that is shown. */
function mixesReturns(hunks: readonly DiffHunk[]): boolean {
  const changed = hunks.flatMap(({ lines }) => lines).filter(({ kind }) => kind !== 'context');
  const ends = changed.filter(({ text }) => text.endsWith('\r')).length;
  return ends > 0 && ends < changed.length;
}

function row(line: DiffLine, returns: boolean): Html {
  const { kind, oldLine, newLine } = line;
  return html`<tr class="${kind}"><td class="number">${oldLine ?? ''}</td><td class="number">${newLine ?? ''}</td><td>${content(line, returns)}</td></tr>
`;
}

function splitRow(left: DiffLine | undefined, right: DiffLine | undefined, returns: boolean): Html {
  return html`<tr>${side(left, left?.oldLine, returns)}${side(right, right?.newLine, returns)}</tr>
`;
}

function side(line: DiffLine | undefined, number: number | undefined, returns: boolean): Html {
  if (line === undefined) return html`<td class="number none"></td><td class="none"></td>`;
  return html`<td class="number">${number ?? ''}</td><td class="${line.kind}">${content(line, returns)}</td>`;
}

function content({ kind, text, marks, noLineFeed }: DiffLine, returns: boolean): Html {
  const end = noLineFeed === true ? html`<span class="quiet"> no line feed at the end</span>` : '';
  return html`<code>${SIGNS[kind]}${marked(text, marks ?? [], returns)}</code>${end}`;
}

/** The text of a line, with what differs in it. */
function marked(text: string, marks: readonly Mark[], returns: boolean): (string | Html)[] {
  const parts: (string | Html)[] = [];
  let at = 0;
  for (const [start, end] of marks) {
    parts.push(text.slice(at, start), html`<mark>${visible(text.slice(start, end), returns)}</mark>`);
    at = end;
  }
  parts.push(visible(text.slice(at), returns));
  return parts;
}

function visible(text: string, returns: boolean): string {
  return text.endsWith('\r') ? `${text.slice(0, -1)}${returns ? '␍' : ''}` : text;
}
