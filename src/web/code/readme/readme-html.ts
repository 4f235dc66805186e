import { html, raw } from 'hono/html';
import { pathText } from '../../../browse/paths.ts';
import type { Html } from '../../layout.ts';
import { userText } from '../../user-text.ts';
import type { ShownReadme } from './show-readme.ts';

/** A README below its folder, or why it is not shown. @param url of the page of the file */
export function readmeHtml(url: string, { path, shown }: ShownReadme): Html {
  const name = pathText(path);
  return html`<section class="readme" aria-labelledby="readme">
<h2 id="readme"><a class="plain" href="${url}">${userText(name, 300)}</a></h2>
${content(shown)}
</section>`;
}

function content(shown: ShownReadme['shown']): Html {
  switch (shown.is) {
    case 'html':
      // Cleaned by render/markdown-clean.
      return html`<article class="markdown" dir="auto">${raw(shown.html)}</article>`;
    case 'text':
      return html`<pre class="plain-text" tabindex="0">${shown.text}</pre>`;
    case 'binary':
      return html`<p class="quiet">This is a binary file: it is not shown here.</p>`;
    case 'too-large':
      return html`<p class="quiet">This file is too large to be shown here.</p>`;
  }
}
