import { html, raw } from 'hono/html';
import type { Html } from '../../../layout.ts';
import type { DelimitedTable } from '../../../render/delimited.ts';
import type { NotebookOutput } from '../../../render/notebook.ts';
import type { RenderedCell, RenderedNotebook } from '../../../render/render-notebook.ts';
import type { Preview } from './shown-file.ts';

/**
 * A file as people see it.
 * @param url of the raw file
 * @param name of the file
 */
export function previewHtml(preview: Preview, url: string, name: string): Html {
  switch (preview.is) {
    case 'picture':
      return html`<p class="preview"><img src="${url}" alt="${name}"></p>`;
    case 'sound':
      return html`<p class="preview"><audio controls preload="metadata" src="${url}" aria-label="${name}"></audio></p>`;
    case 'film':
      return html`<p class="preview"><video controls preload="metadata" src="${url}" aria-label="${name}"></video></p>`;
    case 'document':
      // Not loaded before it is opened.
      return html`<p>Browsers may run what is in a document. <a href="${url}">Save it</a>, or show it here:</p>
<details class="file"><summary>Show the document</summary>
<iframe class="preview" src="${url}" title="${name}" loading="lazy"></iframe></details>`;
    case 'markdown':
      // Cleaned by the renderer.
      return html`<article class="markdown" dir="auto">${raw(preview.html)}</article>`;
    case 'table':
      return tableHtml(preview.table);
    case 'notebook':
      return notebookHtml(preview.notebook);
  }
}

function tableHtml({ rows: [head = [], ...rows], cut }: DelimitedTable): Html {
  return html`<div class="scroll" role="region" aria-label="Table" tabindex="0"><table class="delimited">
<thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>
${rows.map(
  (row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>
`,
)}</tbody>
</table></div>
${cut ? html`<p class="quiet">Some rows, columns or parts of cells are not shown.</p>` : ''}`;
}

function notebookHtml({ cells, cut }: RenderedNotebook): Html {
  return html`<div class="notebook">
${cells.map(cellHtml)}</div>
${cut ? html`<p class="quiet">Some cells, or parts of them, are not shown.</p>` : ''}`;
}

function cellHtml({ is, html: content, count, outputs }: RenderedCell): Html {
  // Escaped or cleaned by the renderer.
  if (is === 'markdown') {
    return html`<section class="cell markdown" aria-label="Text">${raw(content)}</section>
`;
  }
  return html`<section class="cell" aria-label="${is === 'code' ? 'Code' : 'Raw text'}">
${is === 'code' ? html`<p class="quiet count">In [${count ?? ' '}]</p>` : ''}
<pre tabindex="0"><code>${raw(content)}</code></pre>
${outputs.map(outputHtml)}</section>
`;
}

function outputHtml(output: NotebookOutput): Html {
  switch (output.is) {
    case 'text':
      return html`<pre class="${output.isError ? 'output error' : 'output'}" tabindex="0"><samp>${output.text}</samp></pre>
`;
    case 'picture':
      return html`<p class="output"><img src="${output.url}" alt="Output of the code above"></p>
`;
    case 'left-out':
      return html`<p class="quiet output">Output of the type ${output.type} is not shown.</p>
`;
  }
}
