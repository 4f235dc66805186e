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
<p>There is no page at this address: no such repository, none any more, or none that is for everybody to see. If it is yours,
or you may read it, <a href="${rootOf(base)}/sign-in" referrerpolicy="same-origin">sign in</a>; git gets in with a token that your key signs.</p>
<p><a href="${base}/">What there is to see</a></p>`,
  });
}
