import { html } from 'hono/html';
import { LONGEST_QUERY } from '../../../../browse/search/query.ts';
import type { Html } from '../../../layout.ts';
import { type HistoryFilter, isFiltered } from './history-filter.ts';

/** A form for the author and the days of a history. @param url of the history, without a query */
export function filterHtml(url: string, filter: HistoryFilter): Html {
  const { author, since, until, firstParent } = filter;
  const day = (name: string, label: string, value: string) =>
    html`<label>${label} <input type="date" name="${name}" value="${value}"></label>`;
  return html`<details class="filter"${isFiltered(filter) ? html` open` : ''}><summary>Filter</summary>
<form class="search" action="${url}" method="get">
<label>Author <input name="author" value="${author}" maxlength="${LONGEST_QUERY}" autocomplete="off" spellcheck="false" placeholder="name or address"></label>
${day('since', 'From', since)}
${day('until', 'to', until)}
${firstParent ? html`<input type="hidden" name="first-parent" value="1">` : ''}<button type="submit">Apply</button>
${isFiltered(filter) ? html`<a href="${url}${firstParent ? '?first-parent=1' : ''}">Clear</a>` : ''}
</form></details>`;
}
