import { html } from 'hono/html';
import type { Renamed } from '../../../../browse/find-rename.ts';
import type { HistoryPage } from '../../../../browse/history.ts';
import type { Html } from '../../../layout.ts';
import { userText } from '../../../user-text.ts';
import { breadcrumbs, type CodeContext, codePage } from '../../frame.ts';
import { pager, withQuery } from '../../pager.ts';
import { commitRows } from './commit-rows.ts';

export interface HistoryPageParts {
  readonly revision: string;
  readonly path: readonly Buffer[];
  readonly history: HistoryPage;
  /** Where the history continues under another name. */
  readonly renamed: Renamed | undefined;
  /** Commits left out before the first one. */
  readonly skip: number;
  /** Commits on a page. */
  readonly count: number;
  readonly firstParent: boolean;
}

/** The commits of a revision or of a path in it, newest first. */
export function commitsHtml(context: CodeContext, parts: HistoryPageParts): Html {
  const { revision, path, history, renamed, skip, count, firstParent } = parts;
  const { links } = context;
  const url = links.at('commits', revision, path);
  const other = withQuery(url, { 'first-parent': firstParent ? '' : '1' });
  return codePage(
    context,
    `Commits of ${revision}`,
    html`${breadcrumbs(links, revision, path, 'Commits of')}
<p class="switches"><a href="${other}">${firstParent ? 'All commits' : 'First parents only'}</a>
<a href="${links.at('feed', revision, path)}">Feed</a></p>
${history.commits.length === 0 ? html`<p>No commits.</p>` : commitRows(links, history.commits, path.length === 0 && !firstParent)}
${
  renamed === undefined
    ? ''
    : html`<p>Renamed here from <a href="${links.at('commits', renamed.commit, renamed.path)}">${userText(
        renamed.path.map((name) => name.toString('utf8')).join('/'),
        1_024,
      )}</a>, whose history is older.</p>`
}
${pager({
  url,
  query: { 'first-parent': firstParent ? '1' : '' },
  skip,
  size: count,
  more: history.more,
  previous: 'Newer',
  next: 'Older',
})}`,
  );
}
