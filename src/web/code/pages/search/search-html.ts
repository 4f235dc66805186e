import { html } from 'hono/html';
import { LONGEST_QUERY, SEARCH_TYPES, type SearchType } from '../../../../browse/search/query.ts';
import type { Html } from '../../../layout.ts';
import { userText } from '../../../user-text.ts';
import { type CodeContext, codePage } from '../../frame.ts';
import { foundCode, foundCommits, foundPaths } from './found-html.ts';
import type { Found, SearchQuestion } from './search-question.ts';

const TITLES: Readonly<Record<SearchType, string>> = { code: 'Code', paths: 'Paths', commits: 'Commits' };

/** A form, and the results. */
export function searchHtml(context: CodeContext, question: SearchQuestion, found: Found): Html {
  const { name, query } = question;
  return codePage(
    context,
    query === '' ? `Search ${name}` : `${query} in ${name}`,
    html`<h1 class="subject">Search ${userText(name, 255)}</h1>
${form(context, question)}
${results(context, question, found)}`,
  );
}

function form({ links }: CodeContext, { name, type, query, author, below }: SearchQuestion): Html {
  const field = (label: string, key: string, value: string) =>
    html`<label>${label} <input name="${key}" value="${value}" maxlength="${LONGEST_QUERY}" autocomplete="off" spellcheck="false"></label>
`;
  return html`<form class="search" role="search" method="get" action="${links.at('search', name)}">
<label>Search for <input type="search" name="q" value="${query}" maxlength="${LONGEST_QUERY}" autocomplete="off" spellcheck="false"></label>
<fieldset><legend>in</legend>
${SEARCH_TYPES.map(
  (one) =>
    html`<label><input type="radio" name="type" value="${one}"${one === type ? html` checked` : ''}> ${TITLES[one]}</label>
`,
)}</fieldset>
${type === 'commits' ? html`${field('Author', 'author', author)}${field('Path', 'path', below)}` : ''}<button>Search</button>
</form>`;
}

function results(context: CodeContext, question: SearchQuestion, found: Found): Html {
  switch (found.type) {
    case 'nothing':
      return html`<p class="quiet">Code: the text as you type it; capital letters count only if you use one. Paths: those with these letters in this order. Commits: those with all these words in the message, the author or the id.</p>`;
    case 'code':
      return foundCode(context, question, found);
    case 'paths':
      return foundPaths(context, question, found);
    case 'commits':
      return foundCommits(context, found);
  }
}
