import { html } from 'hono/html';
import { pager } from '../../../../code/pager.ts';
import type { Html } from '../../../../layout.ts';
import { userText } from '../../../../user-text.ts';
import { dateText, type FossilContext } from '../../../fossil-frame.ts';
import { attachmentsHtml } from '../attachments-html.ts';
import { textHtml } from '../note-texts.ts';
import { CHANGES, type ShownChange, type ShownTicket } from './read-ticket.ts';

export const TITLE = 300;
const WORD = 60;
const VALUE = 300;
const USER = 100;

/** A ticket: what it is now, and how it came to that. */
export function ticketHtml({ links }: FossilContext, skip: number, shown: ShownTicket): Html {
  const { ticket, changes, attachments } = shown;
  const { title, status, type, ...others } = ticket.fields;
  const facts = Object.entries(others).filter(([, value]) => value !== '');
  return html`<h1 class="subject">${title.trim() === '' ? html`<em>no title</em>` : userText(title, TITLE)}</h1>
<p>${badge(status)}${badge(type)}</p>
<p class="quiet"><a href="${links.at('tickets')}">Ticket</a> <code>${ticket.name.slice(0, 10)}</code> · made ${dateText(ticket.made)} · changed ${dateText(ticket.changed)}</p>
${facts.length === 0 ? '' : html`<dl>${facts.map(([name, value]) => html`<dt>${name[0]?.toUpperCase()}${name.slice(1)}</dt><dd>${userText(value, VALUE)}</dd>`)}</dl>`}
<section><h2>History</h2>
${changes.length === 0 ? html`<p>There are no more changes.</p>` : changes.map((change) => changeHtml(links.at('artifact', change.artifact), change))}
${pager({ url: links.at('tickets', ticket.name), skip, size: CHANGES, more: skip + CHANGES < ticket.changes.length, previous: 'Earlier', next: 'Later' })}</section>
${attachmentsHtml(links, attachments)}`;
}

/** A word in a list, such as a status; empty for none. */
export function badge(text: string): Html | '' {
  return text === '' ? '' : html` <span class="badge">${userText(text, WORD)}</span>`;
}

function changeHtml(artifact: string, { user, time, fields, texts }: ShownChange): Html {
  const shown = fields.map(
    ([name, value]) =>
      html`<li><span class="quiet">${userText(name, WORD)}:</span> ${userText(value, VALUE)}</li>`,
  );
  return html`<article class="comment">
<p class="quiet">${userText(user, USER)}, ${dateText(time)} · <a href="${artifact}">Artifact</a></p>
${texts.map(textHtml)}
${shown.length === 0 ? '' : html`<ul class="set">${shown}</ul>`}
</article>
`;
}
