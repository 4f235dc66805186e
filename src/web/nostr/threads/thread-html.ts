/** What pages of issues, patches and pull requests have in common: HTML. */
import { html } from 'hono/html';
import { eventUri } from '../../../nostr/collaboration/event-reference.ts';
import type { StatusChange } from '../../../nostr/collaboration/status.ts';
import type { NostrEvent } from '../../../nostr/event.ts';
import { relayUrl } from '../../../nostr/repository-url.ts';
import { commands, type Html } from '../../layout.ts';
import { timeOf } from '../../time.ts';
import { userText } from '../../user-text.ts';
import { labelsHtml, statusHtml } from '../lists/thread-marks.ts';
import { THREAD_WORDS } from '../lists/thread-words.ts';
import type { NostrRequest } from '../nostr-page.ts';
import { personHtml } from '../people/person-html.ts';
import { checksHtml } from './checks-html.ts';
import { COMMENTS, placeComments, type ThreadContent } from './thread-parts.ts';

const SUBJECT = 200;

/** The head of a thread: subject, status, who and when. */
export function threadHead(request: NostrRequest, { thread, texts }: ThreadContent): Html {
  const { start, status, formerSubject, coverNote } = thread;
  const words = THREAD_WORDS[start.kind];
  return html`<h1 class="subject">${userText(start.subject, SUBJECT)}</h1>
<p>${statusHtml(words, status)} ${labelsHtml(start.labels)}</p>
<p class="quiet">${timeOf(start.at)} by ${person(request, start.author)}${
    formerSubject === undefined ? '' : html` · first called ${userText(formerSubject, SUBJECT)}`
  }</p>
${
  coverNote === undefined
    ? ''
    : html`<section class="cover-note" aria-label="Note">
<p class="quiet">Note by ${person(request, coverNote.author)}, ${timeOf(coverNote.at)}</p>
${texts.coverNote}
</section>`
}`;
}

/** What follows the content of a thread: checks, history of its status, comments, and how to go on elsewhere. */
export function threadTail(request: NostrRequest, content: ThreadContent): Html {
  return html`${checksHtml(request, content.checks)}
${statusHistory(request, content)}
${commentsHtml(request, content)}
${elsewhere(request, content.thread.event)}`;
}

function statusHistory(request: NostrRequest, { thread }: ThreadContent): Html | '' {
  const { statuses, statusCount, start } = thread;
  if (statuses.length === 0) return '';
  const words = THREAD_WORDS[start.kind];
  const item = (
    change: StatusChange,
  ) => html`<li>${timeOf(change.at)} ${statusHtml(words, change.status)} by ${person(request, change.author)}${commits(request, change)}${
    change.content.trim() === '' ? '' : html`<p class="said">${userText(change.content, 1_000)}</p>`
  }</li>
`;
  return html`<section><h2>Status</h2>
<ul class="listed">
${statuses.map(item)}</ul>
${statusCount > statuses.length ? html`<p class="quiet">The last ${statuses.length} of ${statusCount}.</p>` : ''}
</section>`;
}

function commits({ code }: NostrRequest, { commits: ids }: StatusChange): Html | '' {
  if (ids.length === 0) return '';
  return html` as ${ids.map((id) => html`<a href="${code.links.commit(id)}"><code>${id.slice(0, 10)}</code></a> `)}`;
}

function commentsHtml(request: NostrRequest, { thread, skip, texts }: ThreadContent): Html {
  const { comments, commentCount: count, start } = thread;
  const here = `${request.code.links.repository}/${THREAD_WORDS[start.kind].one}/${start.id}`;
  const known = new Set(comments.map(({ id }) => id));
  const items = placeComments(comments).map(({ comment, depth, at }) => {
    const isAnswerElsewhere = comment.parent !== start.id && !known.has(comment.parent);
    return html`<article class="comment depth-${depth}" id="comment-${comment.id.slice(0, 16)}">
<p class="quiet">${person(request, comment.author)}, ${timeOf(comment.at)}${
      isAnswerElsewhere ? ' · an answer to something that is not on this page' : ''
    }${comment.place === undefined ? '' : html` · on <code>${userText(comment.place.path, 300)}</code>${comment.place.lines === undefined ? '' : ` lines ${comment.place.lines}`}`} · ${eventLink(request, comment.id)}</p>
${texts.comments[at] ?? ''}
</article>
`;
  });
  return html`<section><h2>${count === 0 ? 'No comments yet' : `${count.toLocaleString('en')} ${count === 1 ? 'comment' : 'comments'}`}</h2>
${items}
<nav class="pages" aria-label="Pages of comments">
${skip > 0 ? html`<a rel="prev" href="${here}?skip=${Math.max(0, skip - COMMENTS)}">Earlier</a>` : ''}
${count > skip + COMMENTS ? html`<a rel="next" href="${here}?skip=${skip + COMMENTS}">Later</a>` : ''}
</nav></section>`;
}

/** How to write: pages only show. */
function elsewhere(request: NostrRequest, event: NostrEvent): Html {
  const uri = eventUri(event, relayUrl(request.code.base));
  return html`<section><h2>Answer</h2>
<p>Pages only show. <a href="${uri}" rel="nofollow">Open this in a Nostr client</a>, or give its name to one. Here is the ${eventLink(request, event.id)}.</p>
${commands(uri.replace('nostr:', ''))}
</section>`;
}

/** A link to the signed event itself. */
export function eventLink({ code }: NostrRequest, id: string): Html {
  return html`<a href="${code.links.repository}/event/${id}.json">signed event</a>`;
}

export function person({ code, people }: NostrRequest, key: string): Html {
  return personHtml(code.base, people.person(key));
}
