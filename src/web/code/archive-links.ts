import { html } from 'hono/html';
import type { Html } from '../layout.ts';
import type { CodeLinks } from './code-links.ts';

/** The archives that every program can open. */
const COMMON = ['tar.gz', 'zip'] as const;
/** And the one that is smaller and faster. */
export const ALL_ARCHIVES = ['tar.gz', 'tar.zst', 'zip'] as const;

/** Links to the archives of a revision. */
export function archiveLinks(
  links: CodeLinks,
  revision: string,
  formats: readonly ('tar.gz' | 'tar.zst' | 'zip')[] = COMMON,
): Html {
  const link = (format: string) =>
    html`<a href="${links.at('archive', `${revision}.${format}`)}" rel="nofollow">${format}</a>`;
  return html`${formats.map((format, at) => html`${at === 0 ? '' : ' · '}${link(format)}`)}`;
}
