import { html } from 'hono/html';
import { z } from 'zod';
import {
  type ProjectNotes,
  readProjectNotes,
  type Ticket,
} from '../../../../../browse/fossil/notes/project-notes.ts';
import { CairnError } from '../../../../../lib/errors.ts';
import { readNumber } from '../../../../code/read-query.ts';
import type { Html } from '../../../../layout.ts';
import { cut, userText } from '../../../../user-text.ts';
import { dateText, type FossilContext, fossilFrame } from '../../../fossil-frame.ts';
import type { FossilPage } from '../../../fossil-page.ts';
import { attachmentJson, attachmentSchema } from '../attachments-html.ts';
import { noteListHtml, SHOWN_NOTES } from '../notes-html.ts';
import { CHANGES, readTicket, type ShownTicket } from './read-ticket.ts';
import { badge, TITLE, ticketHtml } from './ticket-html.ts';

interface Question {
  /** Of a ticket; empty for the list of all. */
  readonly name: string;
  readonly skip: number;
}

interface Content {
  readonly notes: ProjectNotes;
  /** The ticket that is asked for. */
  readonly shown: ShownTicket | undefined;
}

const schema = z.object({
  skip: z.number().int(),
  count: z.number().int().describe('of all tickets; of one ticket its changes'),
  cut: z.boolean().describe('whether artifacts are left that nobody has looked at'),
  tickets: z
    .array(
      z.object({
        name: z.string(),
        title: z.string(),
        status: z.string(),
        type: z.string(),
        made: z.number().int().describe('seconds since 1970'),
        changed: z.number().int(),
        changes: z.number().int(),
      }),
    )
    .describe('of the list; of one ticket itself alone'),
  history: z
    .array(
      z.object({
        artifact: z.string(),
        user: z.string(),
        time: z.number().int().describe('seconds since 1970'),
        fields: z
          .array(z.object({ name: z.string(), value: z.string() }))
          .describe('what it sets; with a `+` before the name the value is added to what was there'),
        comments: z.array(z.object({ type: z.string().describe('media type'), text: z.string() })),
      }),
    )
    .nullable()
    .describe('the changes of one ticket, oldest first; null for the list'),
  attachments: z.array(attachmentSchema).nullable().describe('of one ticket; null for the list'),
});

/** The tickets: a list of them, or one with its history. */
export const ticketsPage: FossilPage<Question, Content, z.infer<typeof schema>> = {
  word: 'tickets',
  description: {
    summary: `The tickets with their status, the last changed one first, ${SHOWN_NOTES} on a page; with a name, that ticket with its comments and changes, ${CHANGES} on a page, and its attachments`,
    path: 'tickets/{name}',
    query: { skip: 'tickets, or changes of one, to leave out before the first one' },
  },
  ask: (segments, query) => {
    if (segments.length > 1) throw new CairnError('not-found', 'there is no such page');
    return { name: segments[0] ?? '', skip: readNumber(query, 'skip') };
  },
  read: async (view, { name, skip }, renderer, links) => {
    const notes = await readProjectNotes(view);
    return {
      notes,
      shown: name === '' ? undefined : await readTicket(view, notes, name, skip, renderer, links),
    };
  },
  html: (context, { skip }, { notes, shown }) =>
    shown === undefined
      ? fossilFrame(context, 'Tickets', listHtml(context, skip, notes))
      : fossilFrame(
          context,
          cut(shown.ticket.fields.title, TITLE) || 'Ticket',
          ticketHtml(context, skip, shown),
        ),
  json: {
    schema,
    of: ({ skip }, { notes, shown }) => ({
      skip,
      count: shown?.ticket.changes.length ?? notes.tickets.length,
      cut: notes.cut,
      tickets: (shown === undefined ? notes.tickets.slice(skip, skip + SHOWN_NOTES) : [shown.ticket]).map(
        ({ name, fields: { title, status, type }, made, changed, changes }) => ({
          name,
          title,
          status,
          type,
          made,
          changed,
          changes: changes.length,
        }),
      ),
      history:
        shown?.changes.map(({ artifact, user, time, fields, texts }) => ({
          artifact,
          user,
          time,
          fields: fields.map(([name, value]) => ({ name, value })),
          comments: texts.map(({ type, text }) => ({ type, text })),
        })) ?? null,
      attachments: shown?.attachments.map(attachmentJson) ?? null,
    }),
  },
};

function listHtml({ links }: FossilContext, skip: number, { tickets, cut: isCut }: ProjectNotes): Html {
  const item = ({ name, fields: { title, status, type }, made, changed }: Ticket) =>
    html`<li><a class="name" href="${links.at('tickets', name)}">${title.trim() === '' ? html`<em>no title</em>` : userText(title, TITLE)}</a>${badge(status)}${badge(type)}
<p class="quiet"><code>${name.slice(0, 10)}</code> · made ${dateText(made)} · changed ${dateText(changed)}</p></li>
`;
  return noteListHtml({
    title: 'Tickets',
    none: 'No tickets.',
    url: links.at('tickets'),
    skip,
    count: tickets.length,
    cut: isCut,
    items: tickets.slice(skip, skip + SHOWN_NOTES).map(item),
  });
}
