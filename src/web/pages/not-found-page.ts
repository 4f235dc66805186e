import { html } from 'hono/html';
import { type Html, page, rootOf } from '../layout.ts';

/**
 * The page for everything that is not found. It repeats nothing from the request, so a private repository and a missing one
 * give the same bytes.
 */
export function notFoundPage(base: string): Html {
  return page({
    title: 'Not found',
    base,
    content: html`<h1>Not found</h1>
<p>There is no page at this address, or it is not for everybody. If the repository is private and you may read it,
<a href="${rootOf(base)}/sign-in" referrerpolicy="same-origin">sign in</a>.</p>
<p><a href="${base}/">All repositories</a></p>`,
  });
}
