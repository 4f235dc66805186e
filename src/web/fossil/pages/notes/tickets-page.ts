import { html } from 'hono/html';
import { z } from 'zod';
import { type ProjectNotes, readProjectNotes, type Ticket } from '../../../../browse/fossil/project-notes.ts';
import { CairnError } from '../../../../lib/errors.ts';
import { readNumber } from '../../../code/read-query.ts';
import type { Html } from '../../../layout.ts';
import { userText } from '../../../user-text.ts';
import { dateText, fossilFrame } from '../../fossil-frame.ts';
import type { FossilPage } from '../../fossil-page.ts';
import { noteListHtml, SHOWN_NOTES } from './notes-html.ts';

const TITLE = 300;
const WORD = 60;

const schema = z.object({
  skip: z.number().int(),
  count: z.number().int(),
  cut: z.boolean().describe('whether artifacts are left that nobody has looked at'),
  tickets: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      status: z.string(),
      type: z.string(),
      made: z.number().int().describe('seconds since 1970'),
      changed: z.number().int(),
      changes: z.number().int(),
    }),
  ),
});

/** The tickets. */
export const ticketsPage: FossilPage<number, ProjectNotes, z.infer<typeof schema>> = {
  word: 'tickets',
  description: {
    summary: `The tickets with their status, the last changed one first, ${SHOWN_NOTES} on a page`,
    path: 'tickets',
    query: { skip: 'tickets to leave out before the first one' },
  },
  ask: (segments, query) => {
    if (segments.length > 0) throw new CairnError('not-found', 'there is no such page');
    return readNumber(query, 'skip');
  },
  read: readProjectNotes,
  html: (context, skip, { tickets, cut }) =>
    fossilFrame(
      context,
      'Tickets',
      html`${noteListHtml({
        title: 'Tickets',
        none: 'No tickets.',
        url: context.links.at('tickets'),
        skip,
        count: tickets.length,
        cut,
        items: tickets.slice(skip, skip + SHOWN_NOTES).map(ticketHtml),
      })}
<p class="quiet">Titles, types and states alone. <code>fossil ui</code> shows descriptions and comments in a clone.</p>`,
    ),
  json: {
    schema,
    of: (skip, { tickets, cut }) => ({
      skip,
      count: tickets.length,
      cut,
      tickets: tickets.slice(skip, skip + SHOWN_NOTES).map((ticket) => ({ ...ticket })),
    }),
  },
};

function ticketHtml({ name, title, status, type, made, changed }: Ticket): Html {
  const badge = (text: string) =>
    text === '' ? '' : html` <span class="badge">${userText(text, WORD)}</span>`;
  return html`<li><span class="name">${title.trim() === '' ? html`<em>no title</em>` : userText(title, TITLE)}</span>${badge(status)}${badge(type)}
<p class="quiet"><code>${name.slice(0, 10)}</code> · made ${dateText(made)} · changed ${dateText(changed)}</p></li>
`;
}
