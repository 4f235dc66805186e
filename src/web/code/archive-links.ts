import { html } from 'hono/html';
import type { Html } from '../layout.ts';
import type { CodeLinks } from './code-links.ts';

/** Links to the archives of a revision that every program can open. */
export function archiveLinks(links: CodeLinks, revision: string): Html {
  const to = (format: string) =>
    html`<a href="${links.at('archive', `${revision}.${format}`)}" rel="nofollow">${format}</a>`;
  return html`${to('tar.gz')} · ${to('zip')}`;
}
