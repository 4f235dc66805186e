import { html } from 'hono/html';
import type { FoundCommit } from '../../../../browse/objects.ts';
import { splitMessage } from '../../../../git/index.ts';
import type { Html } from '../../../layout.ts';
import { userText } from '../../../user-text.ts';
import type { CodeLinks } from '../../code-links.ts';
import { day, personName } from '../../person.ts';

const SUBJECT = 200;

/** A list of commits, each with who made it and when. */
export function commitRows(links: CodeLinks, commits: readonly FoundCommit[]): Html {
  return html`<ol class="listed">${commits.map(row(links))}</ol>`;
}

function row(links: CodeLinks) {
  return ({ oid, commit }: FoundCommit): Html => {
    const { subject } = splitMessage(commit.message);
    return html`<li><a class="subject" href="${links.commit(oid)}">${subject === '' ? html`<em>no message</em>` : userText(subject, SUBJECT)}</a>
<p class="quiet">${personName(commit.author)} · ${day(commit.author)} · <code>${oid.slice(0, 10)}</code>${
      commit.parents.length > 1 ? html` · merge of ${commit.parents.length}` : ''
    }</p></li>
`;
  };
}
