import { html } from 'hono/html';
import type { HistoryPage } from '../../../../browse/history.ts';
import type { Html } from '../../../layout.ts';
import { breadcrumbs, type CodeContext, codePage } from '../../frame.ts';
import { commitRows } from './commit-rows.ts';

export interface HistoryPageParts {
  readonly revision: string;
  readonly path: readonly Buffer[];
  readonly history: HistoryPage;
  /** Commits left out before the first one. */
  readonly skip: number;
  /** Commits on a page. */
  readonly count: number;
}

/** The commits of a revision or of a path in it, newest first. */
export function commitsHtml(context: CodeContext, parts: HistoryPageParts): Html {
  const { revision, path, history, skip, count } = parts;
  const { links } = context;
  const here = links.at('commits', revision, path);
  const newer =
    skip === 0 ? '' : html`<a rel="prev" href="${pageUrl(here, Math.max(0, skip - count))}">Newer</a>`;
  const older = history.more ? html`<a rel="next" href="${pageUrl(here, skip + count)}">Older</a>` : '';
  return codePage(
    context,
    `Commits of ${revision}`,
    html`${breadcrumbs(links, revision, path)}
${history.commits.length === 0 ? html`<p>No commits.</p>` : commitRows(links, history.commits)}
<nav class="pages" aria-label="Pages">${newer} ${older}</nav>`,
  );
}

function pageUrl(url: string, skip: number): string {
  return skip === 0 ? url : `${url}?skip=${skip}`;
}
