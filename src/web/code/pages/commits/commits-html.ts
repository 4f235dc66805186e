import { html } from 'hono/html';
import type { Renamed } from '../../../../browse/find-rename.ts';
import type { AuthorHistory } from '../../../../browse/history-of-author.ts';
import { pathText } from '../../../../browse/paths.ts';
import type { Html } from '../../../layout.ts';
import { userText } from '../../../user-text.ts';
import { type CodeContext, codePage } from '../../frame.ts';
import { pager, withQuery } from '../../pager.ts';
import { placeHtml } from '../../place-html.ts';
import { commitRows } from './commit-rows.ts';
import { filterHtml } from './filter-html.ts';
import { filterQuery, type HistoryFilter, isFiltered } from './history-filter.ts';

export interface HistoryPageParts {
  readonly revision: string;
  /** The whole name of the ref; undefined for an id. */
  readonly ref: string | undefined;
  readonly path: readonly Buffer[];
  readonly history: AuthorHistory;
  /** Where the history continues under another name. */
  readonly renamed: Renamed | undefined;
  /** Commits left out before the first one. */
  readonly skip: number;
  /** Commits on a page. */
  readonly count: number;
  readonly filter: HistoryFilter;
}

/** The commits of a revision or of a path in it, newest first. */
export function commitsHtml(context: CodeContext, parts: HistoryPageParts): Html {
  const { revision, ref, path, history, renamed, skip, count, filter } = parts;
  const { firstParent } = filter;
  const { links } = context;
  const url = links.at('commits', revision, path);
  const other = withQuery(url, filterQuery({ ...filter, firstParent: !firstParent }));
  // Lines between commits say nothing where others are left out.
  const withGraph = path.length === 0 && !firstParent && !isFiltered(filter);
  return codePage(
    context,
    path.length === 0 ? `Commits of ${revision}` : `Commits of ${pathText(path)} at ${revision}`,
    html`${placeHtml(context, { word: 'commits', revision, ref, path }, 'Commits of')}
<p class="switches"><a href="${other}">${firstParent ? 'All commits' : 'First parents only'}</a>
<a href="${links.at('feed', revision, path)}">Feed</a></p>
${filterHtml(url, filter)}
${history.commits.length === 0 ? html`<p>${isFiltered(filter) ? 'No such commits.' : 'No commits.'}</p>` : commitRows(links, history.commits, withGraph)}
${history.cut ? html`<p class="note">This history is very long: older commits were not searched.</p>` : ''}
${
  renamed === undefined
    ? ''
    : html`<p>Renamed here from <a href="${links.at('commits', renamed.commit, renamed.path)}">${userText(
        pathText(renamed.path),
        1_024,
      )}</a>, whose history is older.</p>`
}
${pager({
  url,
  query: filterQuery(filter),
  skip,
  size: count,
  more: history.more,
  previous: 'Newer',
  next: 'Older',
})}`,
  );
}
