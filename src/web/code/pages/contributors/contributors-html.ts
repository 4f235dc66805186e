import { html } from 'hono/html';
import type { Contributor, Contributors } from '../../../../browse/refs/contributors.ts';
import type { Html } from '../../../layout.ts';
import { userText } from '../../../user-text.ts';
import type { CodeLinks } from '../../code-links.ts';
import { type CodeContext, codePage } from '../../frame.ts';
import { counted, pager, withQuery } from '../../pager.ts';
import { day } from '../../person.ts';
import { authorQuery } from '../commits/history-filter.ts';
import { type ContributorsQuestion, SHOWN_PEOPLE } from './contributors-question.ts';

/** Who wrote a history, most commits first. */
export function contributorsHtml(
  context: CodeContext,
  { name, skip }: ContributorsQuestion,
  { people, commits, cut }: Contributors,
): Html {
  const { links } = context;
  const shown = people.slice(skip, skip + SHOWN_PEOPLE);
  return codePage(
    context,
    `Contributors of ${name}`,
    html`<h1 class="subject">Contributors of ${userText(name, 255)}</h1>
<p class="quiet">${counted(people.length, 'person', 'people')} in ${
      cut ? `the last ${counted(commits, 'commit', 'commits')}` : counted(commits, 'commit', 'commits')
    }. A file <code>.mailmap</code> on the default branch corrects names and addresses.</p>
<ol class="listed refs" start="${skip + 1}">
${shown.map((person) => personItem(links, name, person))}</ol>
${pager({
  url: links.at('contributors', name),
  skip,
  size: SHOWN_PEOPLE,
  more: skip + shown.length < people.length && shown.length > 0,
})}`,
  );
}

function personItem(links: CodeLinks, revision: string, person: Contributor): Html {
  const { name, email, commits, first, last } = person;
  const own = withQuery(links.at('commits', revision), { author: authorQuery(email || name) });
  return html`<li><span class="name">${userText(name || email, 100)}</span> <a class="quiet" href="${own}" rel="nofollow">${counted(commits, 'commit', 'commits')}</a>
<p class="quiet">${day({ name, email, time: first, zone: 0 })} to ${day({ name, email, time: last, zone: 0 })}</p></li>
`;
}
