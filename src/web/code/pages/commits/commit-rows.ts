import { html } from 'hono/html';
import type { FoundCommit } from '../../../../browse/objects.ts';
import { historyLanes, type Lanes, splitMessage } from '../../../../git/index.ts';
import type { Html } from '../../../layout.ts';
import { userText } from '../../../user-text.ts';
import type { CodeLinks } from '../../code-links.ts';
import { day, personName } from '../../person.ts';
import { graphHtml } from './graph-html.ts';

const SUBJECT = 200;

/**
 * A list of commits, each with who made it and when.
 * @param withGraph whether lines beside them show how they are connected, if there are merges
 */
export function commitRows(links: CodeLinks, commits: readonly FoundCommit[], withGraph = false): Html {
  const lanes = historyLanes(commits.map(({ oid, commit }) => ({ oid, parents: commit.parents })));
  if (!withGraph || lanes.width < 2) return html`<ol class="listed">${commits.map(row(links))}</ol>`;
  return html`<ol class="listed lanes-${lanes.width}">${commits.map(row(links, lanes))}</ol>`;
}

function row(links: CodeLinks, lanes?: Lanes) {
  return ({ oid, commit }: FoundCommit, at: number): Html => {
    const { subject } = splitMessage(commit.message);
    const beside = lanes?.rows[at];
    const graph = lanes === undefined || beside === undefined ? '' : graphHtml(beside, lanes.width);
    return html`<li>${graph}<a class="subject" href="${links.commit(oid)}">${subject === '' ? html`<em>no message</em>` : userText(subject, SUBJECT)}</a>
<p class="quiet">${personName(commit.author)} · ${day(commit.author)} · <code>${oid.slice(0, 10)}</code>${
      commit.parents.length > 1 ? html` · merge of ${commit.parents.length}` : ''
    }</p></li>
`;
  };
}
