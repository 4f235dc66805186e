import { html } from 'hono/html';
import { BRANCHES_ON_PAGE, type Branch, type BranchList } from '../../../../browse/refs/branches.ts';
import type { Apart } from '../../../../browse/refs/reached-commits.ts';
import { linkName, shortName } from '../../../../browse/revision.ts';
import { splitMessage } from '../../../../git/index.ts';
import type { Html } from '../../../layout.ts';
import { userText } from '../../../user-text.ts';
import { type CodeContext, codePage } from '../../frame.ts';
import { type KeptPlace, keptPlaceHtml, keptPlaceQuery, placeIn } from '../../kept-place.ts';
import { counted, pager, withQuery } from '../../pager.ts';
import { day, personName } from '../../person.ts';
import type { BranchesQuestion } from './branches-question.ts';

/** Counts above this are not shown exactly. */
const MOST_COUNTED = 1_000;

/** The branches: who changed each last, and how far it is from the default branch. */
export function branchesHtml(
  context: CodeContext,
  { order, skip, place }: BranchesQuestion,
  { branches, count, byName }: BranchList,
): Html {
  const url = `${context.links.repository}/branches`;
  const orders = byName && order === 'recent' ? '' : orderLinks(url, order, place);
  return codePage(
    context,
    'Branches',
    html`<h1 class="subject">Branches</h1>
<p class="quiet">${counted(count, 'branch', 'branches')} ${orders}</p>
${keptPlaceHtml(place)}
${
  branches.length === 0
    ? html`<p>${count === 0 ? 'There is no branch yet.' : 'There are no more branches.'}</p>`
    : html`<ul class="listed refs">
${branches.map((branch) => branchItem(context, branch, place))}</ul>`
}
${pager({
  url,
  query: { order: order === 'name' ? order : '', ...keptPlaceQuery(place) },
  skip,
  size: BRANCHES_ON_PAGE,
  more: skip + branches.length < count && branches.length > 0,
})}`,
  );
}

function orderLinks(url: string, order: BranchesQuestion['order'], place: KeptPlace | undefined): Html {
  const to = (other: string) => withQuery(url, { order: other, ...keptPlaceQuery(place) });
  return order === 'name'
    ? html`by name · <a href="${to('')}">by last change</a>`
    : html`by last change · <a href="${to('name')}">by name</a>`;
}

function branchItem(
  { links, manifest }: CodeContext,
  { ref, oid, last, apart }: Branch,
  place: KeptPlace | undefined,
): Html {
  const name = linkName(manifest, ref);
  const mark = ref === manifest.head ? html` <span class="badge">default</span>` : '';
  const change =
    last === undefined
      ? html`<code>${oid.slice(0, 10)}</code>`
      : html`<a class="plain" href="${links.commit(last.oid)}">${userText(splitMessage(last.commit.message).subject || 'no message', 120)}</a> · ${personName(last.commit.author)} · ${day(last.commit.committer)}`;
  const url = place === undefined ? links.at('tree', name) : placeIn(links, name, place);
  return html`<li><a class="name" href="${url}"${place === undefined ? '' : html` rel="nofollow"`}>${userText(shortName(ref), 255)}</a>${mark} <span class="quiet">${
    apart === undefined
      ? ''
      : html`${apartText(apart)} · <a href="${links.compare(linkName(manifest, manifest.head), name, 3)}" rel="nofollow">compare</a> · `
  }<a href="${links.at('receipts', ref)}" rel="nofollow">receipts</a></span>
<p class="quiet">${change}</p></li>
`;
}

/** How far a branch is from the default branch, in words. */
export function apartText({ ahead, behind, exact }: Apart): string {
  if (exact && ahead === 0 && behind === 0) return 'even with the default branch';
  const parts = [count(ahead, 'ahead', exact), count(behind, 'behind', exact)].filter((part) => part !== '');
  return parts.length === 0 ? 'far from the default branch' : parts.join(', ');
}

function count(commits: number, where: string, exact: boolean): string {
  if (commits === 0) return '';
  if (commits >= MOST_COUNTED) return `${MOST_COUNTED.toLocaleString('en')}+ ${where}`;
  return `${exact ? '' : 'at least '}${commits} ${where}`;
}
