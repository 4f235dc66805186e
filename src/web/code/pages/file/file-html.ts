import { html } from 'hono/html';
import { roughSize } from '../../../../lib/format-size.ts';
import type { Html } from '../../../layout.ts';
import { breadcrumbs, type CodeContext, codePage } from '../../frame.ts';

/** What is shown of a file. */
export type ShownFile =
  | {
      readonly is: 'text';
      readonly lines: readonly string[];
      readonly encoding: string;
      readonly cut: boolean;
    }
  | { readonly is: 'binary' | 'too-large' }
  | { readonly is: 'link'; readonly target: string };

export interface FilePageParts {
  readonly revision: string;
  readonly path: readonly Buffer[];
  /** Bytes. */
  readonly size: number;
  readonly shown: ShownFile;
}

/** A file: its lines with numbers that can be linked to, or why it is not shown. */
export function fileHtml(context: CodeContext, parts: FilePageParts): Html {
  const { revision, path, size, shown } = parts;
  const { links } = context;
  return codePage(
    context,
    `${path.map((name) => name.toString('utf8')).join('/')} at ${revision}`,
    html`${breadcrumbs(links, revision, path)}
<p class="quiet">${facts(size, shown)} · <a href="${links.at('raw', revision, path)}">Raw</a> · <a href="${links.at('commits', revision, path)}">History</a></p>
${content(shown)}`,
  );
}

function facts(size: number, shown: ShownFile): string {
  if (shown.is !== 'text') return roughSize(size);
  const lines = `${shown.lines.length.toLocaleString('en')} ${shown.lines.length === 1 ? 'line' : 'lines'}`;
  return [roughSize(size), lines, ...(shown.encoding === 'utf-8' ? [] : [shown.encoding])].join(' · ');
}

function content(shown: ShownFile): Html {
  switch (shown.is) {
    case 'binary':
      return html`<p>This is a binary file: it is not shown here.</p>`;
    case 'too-large':
      return html`<p>This file is too large to be shown here.</p>`;
    case 'link':
      return html`<p>A symbolic link to <code>${shown.target}</code>.</p>`;
    case 'text':
      return html`<div class="code" role="region" aria-label="Content of the file" tabindex="0"><table>
<tbody>
${shown.lines.map(
  (line, at) =>
    html`<tr id="L${at + 1}"><td class="number"><a href="#L${at + 1}" aria-label="Line ${at + 1}">${at + 1}</a></td><td><code>${line}</code></td></tr>
`,
)}</tbody>
</table></div>
${shown.cut ? html`<p class="quiet">The rest of the file is not shown here.</p>` : ''}`;
  }
}
