import { html } from 'hono/html';
import { pathText } from '../../../../browse/paths.ts';
import type { CodeLine, CodeSearch } from '../../../../browse/search/search-code.ts';
import type { CommitSearch } from '../../../../browse/search/search-commits.ts';
import type { PathSearch } from '../../../../browse/search/search-paths.ts';
import { splitMessage } from '../../../../git/index.ts';
import type { Html } from '../../../layout.ts';
import { userText } from '../../../user-text.ts';
import type { CodeContext } from '../../frame.ts';
import { counted } from '../../pager.ts';
import { day, personName } from '../../person.ts';
import type { SearchQuestion } from './search-question.ts';

const PATH = 1_024;
/** Characters of a path that may be marked. */
const MARKED = 1_024;

/** Files with the lines that were found. */
export function foundCode(
  { links }: CodeContext,
  { name }: SearchQuestion,
  { files, cut }: CodeSearch,
): Html {
  return html`${summary(counted(files.length, 'file', 'files'), files.length, cut)}
${files.map(({ path, lines }, at) => {
  const url = links.at('file', name, path);
  return html`<section class="found"><h2 id="found-${at + 1}"><a href="${url}">${userText(pathText(path), PATH)}</a></h2>
<div class="code" role="region" aria-labelledby="found-${at + 1}" tabindex="0"><table>
<tbody>
${lines.map((line, place) => lineRow(url, line, place > 0 && line.number !== (lines[place - 1]?.number ?? 0) + 1))}</tbody>
</table></div></section>
`;
})}`;
}

function lineRow(url: string, { number, text, found }: CodeLine, isApart: boolean): Html {
  const content =
    found === undefined
      ? text
      : html`${text.slice(0, found.from)}<mark>${text.slice(found.from, found.to)}</mark>${text.slice(found.to)}`;
  return html`${isApart ? html`<tr class="hunk"><td class="number">…</td><td></td></tr>` : ''}<tr><td class="number"><a href="${url}#L${number}" aria-label="Line ${number}">${number}</a></td><td><code>${content}</code></td></tr>
`;
}

/** Paths, the best first, with the letters that fit. */
export function foundPaths(
  { links }: CodeContext,
  { name }: SearchQuestion,
  { paths, count, cut }: PathSearch,
): Html {
  return html`${summary(counted(count, 'path', 'paths'), count, cut)}
${paths.length < count ? html`<p class="quiet">The best ${paths.length} are shown.</p>` : ''}
<ul class="listed paths">
${paths.map(
  ({ path, text, at }) =>
    html`<li><a href="${links.at('file', name, path)}"><bdi>${marked(text.slice(0, MARKED), at)}</bdi></a></li>
`,
)}</ul>`;
}

/** A text in which characters are marked, those beside one another together. */
function marked(text: string, at: readonly number[]): Html[] {
  const parts: Html[] = [];
  let from = 0;
  for (let index = 0; index < at.length; ) {
    const start = at[index] ?? 0;
    let end = start + 1;
    for (index++; at[index] === end; index++) end++;
    parts.push(html`${text.slice(from, start)}<mark>${text.slice(start, end)}</mark>`);
    from = end;
  }
  parts.push(html`${text.slice(from)}`);
  return parts;
}

/** Commits, newest first. */
export function foundCommits({ links }: CodeContext, { commits, searched, cut }: CommitSearch): Html {
  return html`${summary(counted(commits.length, 'commit', 'commits'), commits.length, false)}
${cut ? html`<p class="quiet">${counted(searched, 'commit was', 'commits were')} looked at, the newest first. There may be more.</p>` : ''}
<ol class="listed">
${commits.map(
  ({ oid, commit }) =>
    html`<li><a class="subject" href="${links.commit(oid)}">${userText(splitMessage(commit.message).subject || 'no message', 200)}</a>
<p class="quiet">${personName(commit.author)} · ${day(commit.author)} · <code>${oid.slice(0, 10)}</code></p></li>
`,
)}</ol>`;
}

function summary(found: string, count: number, cut: boolean): Html {
  const more = cut ? ' Not everything was searched: there may be more.' : '';
  return html`<p role="status">${count === 0 ? 'Nothing was found.' : `${found}.`}${more}</p>`;
}
