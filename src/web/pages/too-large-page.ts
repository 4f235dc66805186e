import { html } from 'hono/html';
import { type Html, page } from '../layout.ts';

/** The page for what is there, and larger than a page shows or sends. */
export function tooLargePage(base: string): Html {
  return page({
    title: 'Too large',
    base,
    content: html`<h1>Too large</h1>
<p>This is larger than what this server shows or sends on its pages. Clone the repository to get it.</p>
<p><a href="${base}/">All repositories</a></p>`,
  });
}
