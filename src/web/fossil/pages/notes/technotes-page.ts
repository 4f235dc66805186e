import { html } from 'hono/html';
import { z } from 'zod';
import { type ProjectNotes, readProjectNotes } from '../../../../browse/fossil/project-notes.ts';
import { CairnError } from '../../../../lib/errors.ts';
import { readNumber } from '../../../code/read-query.ts';
import { userText } from '../../../user-text.ts';
import { dateText, fossilFrame } from '../../fossil-frame.ts';
import type { FossilPage } from '../../fossil-page.ts';
import { noteListHtml, SHOWN_NOTES } from './notes-html.ts';

const COMMENT = 300;
const USER = 100;

const schema = z.object({
  skip: z.number().int(),
  count: z.number().int(),
  cut: z.boolean().describe('whether artifacts are left that nobody has looked at'),
  technotes: z.array(
    z.object({
      name: z.string(),
      artifact: z.string().describe('the newest version'),
      comment: z.string(),
      user: z.string(),
      at: z.number().int().describe('seconds since 1970'),
    }),
  ),
});

/** The technotes. */
export const technotesPage: FossilPage<number, ProjectNotes, z.infer<typeof schema>> = {
  word: 'technotes',
  description: {
    summary: `The technotes, newest first, ${SHOWN_NOTES} on a page`,
    path: 'technotes',
    query: { skip: 'technotes to leave out before the first one' },
  },
  ask: (segments, query) => {
    if (segments.length > 0) throw new CairnError('not-found', 'there is no such page');
    return readNumber(query, 'skip');
  },
  read: readProjectNotes,
  html: (context, skip, { technotes, cut }) =>
    fossilFrame(
      context,
      'Technotes',
      noteListHtml({
        title: 'Technotes',
        none: 'No technotes.',
        url: context.links.at('technotes'),
        skip,
        count: technotes.length,
        cut,
        items: technotes.slice(skip, skip + SHOWN_NOTES).map(
          ({
            artifact,
            comment,
            user,
            at,
          }) => html`<li><a class="name" href="${context.links.at('artifact', artifact)}">${comment.trim() === '' ? html`<em>no comment</em>` : userText(comment, COMMENT)}</a>
<p class="quiet">${userText(user, USER)} · ${dateText(at)}</p></li>
`,
        ),
      }),
    ),
  json: {
    schema,
    of: (skip, { technotes, cut }) => ({
      skip,
      count: technotes.length,
      cut,
      technotes: technotes
        .slice(skip, skip + SHOWN_NOTES)
        .map(({ name, artifact, comment, user, at }) => ({ name, artifact, comment, user, at })),
    }),
  },
};
