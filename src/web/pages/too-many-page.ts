import { html } from 'hono/html';
import { type Html, page } from '../layout.ts';

/** The page for an address that has asked for very much. @param seconds after which it may ask again */
export function tooManyPage(base: string, seconds: number): Html {
  return page({
    title: 'Too many pages',
    base,
    content: html`<h1>Too many pages</h1>
<p>Your network address has asked this server for very many pages. Try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.</p>
<p>If you want all of a repository, clone it: that is faster, and costs the server almost nothing.</p>`,
  });
}
