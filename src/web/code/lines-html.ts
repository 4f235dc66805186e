import { html, raw } from 'hono/html';
import { escapeHtml } from '../escape-html.ts';
import type { Html } from '../layout.ts';
import type { ShownLines } from './shown-lines.ts';

/**
 * Lines with numbers that can be linked to: `#L7` marks a line, and with the script `#L3-L7` several. It is put together from
 * strings: a template for each of 20,000 lines would take ten times as long.
 * @param before HTML of a cell in front of each number, by index; absent: there is none
 */
export function linesHtml(
  { lines, marked, cut, hiddenDirections }: ShownLines,
  before?: (index: number) => string,
): Html {
  const rows = lines.map((line, at) => {
    const number = at + 1;
    const code = marked?.[at] ?? escapeHtml(line);
    return `<tr id="L${number}">${before?.(at) ?? ''}<td class="number"><a href="#L${number}">${number}</a></td><td><code>${code}</code></td></tr>\n`;
  });
  return html`${hiddenDirections ? DIRECTIONS : ''}<div class="code lines" role="region" aria-label="Content of the file" tabindex="0"><table>
<tbody>
${raw(rows.join(''))}</tbody>
</table></div>
${cut ? html`<p class="quiet">The rest of the file is not shown here: it is in the raw file.</p>` : ''}`;
}

const DIRECTIONS = html`<p class="note">This file has characters that change the writing direction: it may do something else than what it looks like.</p>
`;
