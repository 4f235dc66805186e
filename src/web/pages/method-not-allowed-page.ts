import { html } from 'hono/html';
import { type Html, page } from '../layout.ts';

/** The page for a request with an unsupported method. It does not tell whether the address exists. */
export function methodNotAllowedPage(base: string, method: string): Html {
  return page({
    title: 'Not possible',
    base,
    content: html`<h1>Not possible</h1>
<p>Pages are read with GET or HEAD, not with ${method.slice(0, 20)}.</p>
<p><a href="${base}/">All repositories</a></p>`,
  });
}
