import { html } from 'hono/html';
import { type FoundTag, TAGS_ON_PAGE, type TagList } from '../../../../browse/refs/tags.ts';
import { linkName, shortName } from '../../../../browse/revision.ts';
import { splitMessage } from '../../../../git/index.ts';
import type { Html } from '../../../layout.ts';
import { userText } from '../../../user-text.ts';
import { archiveLinks } from '../../archive-links.ts';
import { type CodeContext, codePage } from '../../frame.ts';
import { counted, pager } from '../../pager.ts';
import { day } from '../../person.ts';
import type { TagsQuestion } from './tags-question.ts';

/** The tags, each with its message and archives. */
export function tagsHtml(
  context: CodeContext,
  { order, skip }: TagsQuestion,
  { tags, count, byName }: TagList,
): Html {
  const url = `${context.links.repository}/tags`;
  return codePage(
    context,
    'Tags',
    html`<h1 class="subject">Tags</h1>
<p class="quiet">${counted(count, 'tag', 'tags')} ${byName || count === 0 ? '' : orderLinks(url, order)} · <a href="${url}/feed.atom">feed</a></p>
${
  tags.length === 0
    ? html`<p>${count === 0 ? 'There is no tag yet.' : 'There are no more tags.'}</p>`
    : html`<ul class="listed refs">
${tags.map((tag) => tagItem(context, tag))}</ul>`
}
${pager({
  url,
  query: { order: order === 'date' ? order : '' },
  skip,
  size: TAGS_ON_PAGE,
  more: skip + tags.length < count && tags.length > 0,
})}`,
  );
}

function orderLinks(url: string, order: TagsQuestion['order']): Html {
  return order === 'date'
    ? html`by date · <a href="${url}">by version</a>`
    : html`by version · <a href="${url}?order=date">by date</a>`;
}

function tagItem(context: CodeContext, { ref, peeled, commit }: FoundTag): Html {
  const { links, manifest } = context;
  const name = shortName(ref);
  const [annotation] = peeled?.tags ?? [];
  const who = annotation?.tag.tagger ?? commit?.commit.committer;
  const message = annotation?.tag.message ?? commit?.commit.message ?? '';
  const { subject } = splitMessage(message);
  return html`<li><a class="name" href="${links.at('tag', name)}">${userText(name, 255)}</a>${who === undefined ? '' : html` <span class="quiet">${day(who)}</span>`}
${subject === '' ? '' : html`<p>${userText(subject, 200)}</p>`}
<p class="quiet">${
    commit === undefined
      ? (peeled?.type ?? 'not readable')
      : html`<a class="plain" href="${links.commit(commit.oid)}"><code>${commit.oid.slice(0, 10)}</code></a> · ${archiveLinks(links, linkName(manifest, ref))}`
  }</p></li>
`;
}
