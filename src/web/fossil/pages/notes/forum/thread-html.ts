import { html } from 'hono/html';
import { counted } from '../../../../code/facts-html.ts';
import { pager } from '../../../../code/pager.ts';
import type { Html } from '../../../../layout.ts';
import { userText } from '../../../../user-text.ts';
import { dateText, type FossilContext } from '../../../fossil-frame.ts';
import type { FossilLinks } from '../../../fossil-links.ts';
import { attachmentsHtml } from '../attachments-html.ts';
import { textHtml } from '../note-texts.ts';
import { POSTS, type ShownThread } from './read-thread.ts';

const TITLE = 300;
const USER = 100;
/** Posts that are deeper stand there, too. */
const DEEPEST = 4;

/** The title of a thread. */
export function titleHtml(title: string): Html {
  return title.trim() === '' ? html`<em>no title</em>` : userText(title, TITLE);
}

/** A thread of the forum: each post behind what it answers. */
export function threadHtml({ links }: FossilContext, skip: number, { thread, posts }: ShownThread): Html {
  const { name, title, posts: all } = thread;
  const first = all.some((post) => post.name === name)
    ? ''
    : html`<p class="note">The first post of this thread is not here.</p>`;
  return html`<h1 class="subject">${titleHtml(title)}</h1>
<p class="quiet"><a href="${links.at('forum')}">Forum</a> · ${counted(all.length, 'post', 'posts')}</p>
${first}
${posts.length === 0 ? html`<p>There are no more posts.</p>` : posts.map((post) => postHtml(links, thread.name, posts, post))}
${pager({ url: links.at('forum', name), skip, size: POSTS, more: skip + POSTS < all.length, previous: 'Earlier', next: 'Later' })}`;
}

function postHtml(
  links: FossilLinks,
  thread: string,
  posts: ShownThread['posts'],
  {
    name,
    artifact,
    user,
    time,
    edited,
    answers,
    depth,
    isDeleted,
    text,
    attachments,
  }: ShownThread['posts'][number],
): Html {
  const answered = posts.find((post) => post.name === answers);
  const answer =
    answers === undefined || answers === thread
      ? ''
      : answered === undefined
        ? ' · an answer to a post that is not on this page'
        : html` · answers <a href="#${idOf(answered.name)}">${userText(answered.user, USER)}</a>`;
  const by = edited !== undefined && edited.user !== user ? html` by ${userText(edited.user, USER)}` : '';
  const changed =
    edited === undefined ? '' : html` · ${isDeleted ? 'deleted' : 'edited'} ${dateText(edited.time)}${by}`;
  return html`<article class="comment depth-${Math.min(depth, DEEPEST)}" id="${idOf(name)}">
<p class="quiet">${userText(user, USER)}, ${dateText(time)}${changed}${answer} · <a href="${links.at('artifact', artifact)}">Artifact</a></p>
${isDeleted ? html`<p class="quiet">${edited === undefined ? 'This post is empty.' : 'This post was deleted.'}</p>` : textHtml(text)}
${attachmentsHtml(links, attachments)}</article>
`;
}

function idOf(post: string): string {
  return `post-${post.slice(0, 16)}`;
}
