import { html } from 'hono/html';
import type { FoundTag } from '../../../../browse/refs/tags.ts';
import { linkName, shortName } from '../../../../browse/revision.ts';
import { splitMessage, type Tag } from '../../../../git/index.ts';
import type { Html } from '../../../layout.ts';
import { userText } from '../../../user-text.ts';
import { ALL_ARCHIVES, archiveLinks } from '../../archive-links.ts';
import type { CodeLinks } from '../../code-links.ts';
import { type CodeContext, codePage } from '../../frame.ts';
import { messageHtml } from '../../message/message-html.ts';
import { dayAndTime, personName } from '../../person.ts';

const MESSAGE = 20_000;
/** Ids of commits in messages of tags are not looked up. */
const NO_IDS: ReadonlyMap<string, string> = new Map();
/** Tags of tags whose messages are shown. */
const SHOWN_TAGS = 5;

/** A tag: its message, who made it, what it stands for, and the archives of that. */
export function tagHtml(context: CodeContext, { ref, oid, peeled, commit }: FoundTag): Html {
  const { links, manifest } = context;
  const name = shortName(ref);
  const revision = linkName(manifest, ref);
  const tags = peeled?.tags ?? [];
  return codePage(
    context,
    `Tag ${name}`,
    html`<h1 class="subject">${userText(name, 255)}</h1>
${tags.slice(0, SHOWN_TAGS).map(({ tag }) => annotation(context, tag))}
<dl>
${tags.length === 0 ? html`<dt>Tag</dt><dd>lightweight: a name without a message</dd>` : html`<dt>Tag</dt><dd><code>${oid}</code></dd>`}
${target(context, peeled, commit)}
${contentLink(links, revision, peeled)}
${commit === undefined ? '' : html`<dt>Archives</dt><dd>${archiveLinks(links, revision, ALL_ARCHIVES)}</dd>`}
<dt>Receipts</dt><dd><a href="${links.at('receipts', ref)}" rel="nofollow">Who moved it</a></dd>
</dl>`,
  );
}

/** Where to see what a tag stands for. */
function contentLink(links: CodeLinks, revision: string, peeled: FoundTag['peeled']): Html | '' {
  if (peeled === undefined) return '';
  return peeled.type === 'blob'
    ? html`<dt>File</dt><dd><a href="${links.at('file', revision)}">Show</a> · <a href="${links.at('raw', revision)}">Raw</a></dd>`
    : html`<dt>Files</dt><dd><a href="${links.at('tree', revision)}">Browse</a></dd>`;
}

function annotation({ links }: CodeContext, { message, tagger, signature }: Tag): Html {
  return html`${message.trim() === '' ? '' : html`<p class="said">${messageHtml(links, message.trim(), NO_IDS, MESSAGE)}</p>`}
<p class="quiet">${tagger === undefined ? '' : html`${personName(tagger)} · ${dayAndTime(tagger)}`}${
    signature === undefined ? '' : ' · signed; not checked here'
  }</p>
`;
}

function target({ links }: CodeContext, peeled: FoundTag['peeled'], commit: FoundTag['commit']): Html {
  if (peeled === undefined) return html`<dt>Stands for</dt><dd>something that cannot be read</dd>`;
  if (commit === undefined)
    return html`<dt>Stands for</dt><dd>a ${peeled.type}, <code>${peeled.oid}</code></dd>`;
  const { subject } = splitMessage(commit.commit.message);
  return html`<dt>Commit</dt><dd><a href="${links.commit(commit.oid)}"><code>${commit.oid}</code></a>
<span class="quiet">${userText(subject, 200)}</span></dd>`;
}
