import { html } from 'hono/html';
import { type FoundTag, TAGS_ON_PAGE, type TagList } from '../../../../browse/refs/tags.ts';
import { linkName, shortName } from '../../../../browse/revision.ts';
import { splitMessage } from '../../../../git/index.ts';
import type { Html } from '../../../layout.ts';
import { userText } from '../../../user-text.ts';
import { archiveLinks } from '../../archive-links.ts';
import { type CodeContext, codePage } from '../../frame.ts';
import { type KeptPlace, keptPlaceHtml, keptPlaceQuery, placeIn } from '../../kept-place.ts';
import { counted, pager, withQuery } from '../../pager.ts';
import { day } from '../../person.ts';
import type { TagsQuestion } from './tags-question.ts';

/** The tags, each with its message and archives. */
export function tagsHtml(
  context: CodeContext,
  { order, skip, place }: TagsQuestion,
  { tags, count, byName }: TagList,
): Html {
  const url = `${context.links.repository}/tags`;
  return codePage(
    context,
    'Tags',
    html`<h1 class="subject">Tags</h1>
<p class="quiet">${counted(count, 'tag', 'tags')} ${byName || count === 0 ? '' : orderLinks(url, order, place)} · <a href="${url}/feed.atom">feed</a></p>
${keptPlaceHtml(place)}
${
  tags.length === 0
    ? html`<p>${count === 0 ? 'There is no tag yet.' : 'There are no more tags.'}</p>`
    : html`<ul class="listed refs">
${tags.map((tag) => tagItem(context, tag, place))}</ul>`
}
${pager({
  url,
  query: { order: order === 'date' ? order : '', ...keptPlaceQuery(place) },
  skip,
  size: TAGS_ON_PAGE,
  more: skip + tags.length < count && tags.length > 0,
})}`,
  );
}

function orderLinks(url: string, order: TagsQuestion['order'], place: KeptPlace | undefined): Html {
  const to = (other: string) => withQuery(url, { order: other, ...keptPlaceQuery(place) });
  return order === 'date'
    ? html`by date · <a href="${to('')}">by version</a>`
    : html`by version · <a href="${to('date')}">by date</a>`;
}

function tagItem(
  context: CodeContext,
  { ref, peeled, commit }: FoundTag,
  place: KeptPlace | undefined,
): Html {
  const { links, manifest } = context;
  const name = shortName(ref);
  const [annotation] = peeled?.tags ?? [];
  const who = annotation?.tag.tagger ?? commit?.commit.committer;
  const message = annotation?.tag.message ?? commit?.commit.message ?? '';
  const { subject } = splitMessage(message);
  const url = place === undefined ? links.at('tag', name) : placeIn(links, linkName(manifest, ref), place);
  return html`<li><a class="name" href="${url}"${place === undefined ? '' : html` rel="nofollow"`}>${userText(name, 255)}</a>${who === undefined ? '' : html` <span class="quiet">${day(who)}</span>`}
${subject === '' ? '' : html`<p>${userText(subject, 200)}</p>`}
<p class="quiet">${
    commit === undefined
      ? whatElse(context, ref, peeled)
      : html`<a class="plain" href="${links.commit(commit.oid)}"><code>${commit.oid.slice(0, 10)}</code></a> · ${archiveLinks(links, linkName(manifest, ref))}`
  }</p></li>
`;
}

/** What a tag stands for that is no commit. Only a folder has a page. */
function whatElse({ links, manifest }: CodeContext, ref: string, peeled: FoundTag['peeled']): Html | string {
  if (peeled?.type !== 'tree') return peeled?.type ?? 'not readable';
  return html`<a href="${links.at('tree', linkName(manifest, ref))}">${peeled.type}</a>`;
}
