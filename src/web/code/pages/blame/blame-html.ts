import { html } from 'hono/html';
import type { Blame } from '../../../../browse/blame.ts';
import { hasHistory } from '../../../../browse/history.ts';
import { pathText, splitPath } from '../../../../browse/paths.ts';
import type { Revision } from '../../../../browse/revision.ts';
import type { BlameGroup } from '../../../../git/index.ts';
import { escapeHtml } from '../../../escape-html.ts';
import type { Html } from '../../../layout.ts';
import { cut } from '../../../user-text.ts';
import type { CodeLinks } from '../../code-links.ts';
import { type CodeContext, codePage } from '../../frame.ts';
import { linesHtml } from '../../lines-html.ts';
import { day } from '../../person.ts';
import { placeHtml } from '../../place-html.ts';
import type { ShownLines } from '../../shown-lines.ts';

export interface BlameContent {
  readonly commit: string;
  readonly lines: ShownLines;
  readonly blame: Blame;
}

const NAME = 40;
const SUBJECT = 80;

/** A file whose lines say which commit they come from. */
export function blameHtml(context: CodeContext, { name, ref, path }: Revision, content: BlameContent): Html {
  const { links } = context;
  const { commit, lines, blame } = content;
  return codePage(
    context,
    `Blame of ${pathText(path)} at ${name}`,
    html`${placeHtml(context, { word: 'blame', revision: name, ref, path }, 'Blame of')}
<nav class="actions" aria-label="File">
<a href="${links.at('file', name, path)}">File</a>
${commit === name ? '' : html`<a class="permalink" href="${links.at('blame', commit, path)}">Permalink</a>`}
${hasHistory(path) ? html`<a href="${links.at('commits', name, path)}">History</a>` : ''}
</nav>
${blame.complete ? '' : html`<p class="note">This history is very long: some lines come from commits that were not found in time.</p>`}
${linesHtml(lines, cellsOf(links, blame, lines.lines.length))}`,
  );
}

/** The cells in front of lines: one for each group. */
function cellsOf(links: CodeLinks, { groups, commits }: Blame, count: number): (index: number) => string {
  const cells = new Array<string>(count).fill('<td class="who"></td>');
  for (const group of groups) {
    const from = group.first - 1;
    cells[from] = cellOf(links, group, commits);
    cells.fill('', from + 1, from + group.count);
  }
  return (index) => cells[index] ?? '';
}

function cellOf(links: CodeLinks, group: BlameGroup, commits: Blame['commits']): string {
  const { oid, count, previous } = group;
  const commit = commits.get(oid);
  if (commit === undefined) return `<td class="who" rowspan="${count}"></td>`;
  const { name, email } = commit.author;
  const { subject } = commit;
  const said = escapeHtml(cut(subject === '' ? oid.slice(0, 10) : subject, SUBJECT));
  const who = escapeHtml(cut(name === '' ? email : name, NAME));
  const before =
    previous === undefined
      ? ''
      : ` <a href="${links.at('blame', previous.oid, splitPath(previous.path))}" title="Before this commit" aria-label="Before this commit">↶</a>`;
  return `<td class="who" rowspan="${count}"><div><a href="${links.commit(oid)}">${day(commit.author)} <bdi>${who}</bdi></a>${before} <bdi>${said}</bdi></div></td>`;
}
