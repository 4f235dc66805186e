import { html } from 'hono/html';
import { z } from 'zod';
import type { ForumThread } from '../../../../../browse/fossil/notes/forum.ts';
import { type ProjectNotes, readProjectNotes } from '../../../../../browse/fossil/notes/project-notes.ts';
import { CairnError } from '../../../../../lib/errors.ts';
import { counted } from '../../../../code/facts-html.ts';
import { readNumber } from '../../../../code/read-query.ts';
import type { Html } from '../../../../layout.ts';
import { cut, userText } from '../../../../user-text.ts';
import { dateText, type FossilContext, fossilFrame } from '../../../fossil-frame.ts';
import type { FossilPage } from '../../../fossil-page.ts';
import { attachmentJson, attachmentSchema } from '../attachments-html.ts';
import { noteListHtml, SHOWN_NOTES } from '../notes-html.ts';
import { POSTS, readThread, type ShownThread } from './read-thread.ts';
import { threadHtml, titleHtml } from './thread-html.ts';

interface Question {
  /** Of the first post of a thread; empty for the list of all threads. */
  readonly name: string;
  readonly skip: number;
}

interface Content {
  readonly notes: ProjectNotes;
  /** The thread that is asked for. */
  readonly shown: ShownThread | undefined;
}

const TITLE = 300;
const USER = 100;

const schema = z.object({
  skip: z.number().int(),
  count: z.number().int().describe('of all threads; of one thread its posts'),
  cut: z.boolean().describe('whether artifacts are left that nobody has looked at'),
  threads: z
    .array(
      z.object({
        name: z.string().describe('the first post'),
        title: z.string(),
        user: z.string(),
        made: z.number().int().describe('seconds since 1970'),
        changed: z.number().int(),
        posts: z.number().int(),
      }),
    )
    .describe('of the list; of one thread itself alone'),
  posts: z
    .array(
      z.object({
        name: z.string().describe('its first version'),
        artifact: z.string().describe('its newest version'),
        user: z.string(),
        time: z.number().int().describe('seconds since 1970'),
        edited: z.object({ user: z.string(), time: z.number().int() }).nullable(),
        answers: z.string().nullable().describe('the post that it answers'),
        depth: z.number().int().describe('how many posts it is below the first one'),
        type: z.string().describe('media type'),
        text: z.string().describe('empty if it was deleted'),
        attachments: z.array(attachmentSchema),
      }),
    )
    .nullable()
    .describe('of one thread, each behind what it answers; null for the list'),
});

/** The forum: a list of its threads, or the posts of one. */
export const forumPage: FossilPage<Question, Content, z.infer<typeof schema>> = {
  word: 'forum',
  description: {
    summary: `The threads of the forum, the last changed one first, ${SHOWN_NOTES} on a page; with the name of a thread its posts, ${POSTS} on a page`,
    path: 'forum/{thread}',
    query: { skip: 'threads, or posts of one, to leave out before the first one' },
  },
  ask: (segments, query) => {
    if (segments.length > 1) throw new CairnError('not-found', 'there is no such page');
    return { name: segments[0] ?? '', skip: readNumber(query, 'skip') };
  },
  read: async (view, { name, skip }, renderer, links) => {
    const notes = await readProjectNotes(view);
    return {
      notes,
      shown: name === '' ? undefined : await readThread(view, notes, name, skip, renderer, links),
    };
  },
  html: (context, { skip }, { notes, shown }) =>
    shown === undefined
      ? fossilFrame(context, 'Forum', listHtml(context, skip, notes))
      : fossilFrame(context, cut(shown.thread.title, TITLE) || 'Thread', threadHtml(context, skip, shown)),
  json: {
    schema,
    of: ({ skip }, { notes, shown }) => ({
      skip,
      count: shown?.thread.posts.length ?? notes.threads.length,
      cut: notes.cut,
      threads: (shown === undefined ? notes.threads.slice(skip, skip + SHOWN_NOTES) : [shown.thread]).map(
        ({ name, title, user, made, changed, posts }) => ({
          name,
          title,
          user,
          made,
          changed,
          posts: posts.length,
        }),
      ),
      posts:
        shown?.posts.map(
          ({ name, artifact, user, time, edited, answers, depth, text: { type, text }, attachments }) => ({
            name,
            artifact,
            user,
            time,
            edited: edited ?? null,
            answers: answers ?? null,
            depth,
            type,
            text,
            attachments: attachments.map(attachmentJson),
          }),
        ) ?? null,
    }),
  },
};

function listHtml({ links }: FossilContext, skip: number, { threads, cut: isCut }: ProjectNotes): Html {
  const item = ({ name, title, user, made, changed, posts }: ForumThread) =>
    html`<li><a class="name" href="${links.at('forum', name)}">${titleHtml(title)}</a>
<p class="quiet">${userText(user, USER)} · ${dateText(made)} · ${counted(posts.length, 'post', 'posts')}${changed === made ? '' : ` · changed ${dateText(changed)}`}</p></li>
`;
  return noteListHtml({
    title: 'Forum',
    none: 'No forum posts.',
    url: links.at('forum'),
    skip,
    count: threads.length,
    cut: isCut,
    items: threads.slice(skip, skip + SHOWN_NOTES).map(item),
  });
}
