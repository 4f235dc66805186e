import { html } from 'hono/html';
import { z } from 'zod';
import type { ShownAttachment } from '../../../../browse/fossil/notes/attachments.ts';
import { roughSize } from '../../../../lib/format-size.ts';
import type { Html } from '../../../layout.ts';
import { userText } from '../../../user-text.ts';
import { dateText } from '../../fossil-frame.ts';
import type { FossilLinks } from '../../fossil-links.ts';

const FILE = 255;
const USER = 100;

export const attachmentSchema = z.object({
  file: z.string(),
  artifact: z.string().describe('the artifact that attaches it: its content is at `attachment/{artifact}`'),
  size: z.number().int().nullable().describe('bytes; null if the content is missing'),
  user: z.string(),
  time: z.number().int().describe('seconds since 1970'),
});

/** Attached files with links to them; empty if there are none. */
export function attachmentsHtml(links: FossilLinks, attachments: readonly ShownAttachment[]): Html | '' {
  if (attachments.length === 0) return '';
  const item = ({ file, artifact, size, user, time }: ShownAttachment) => {
    const name = userText(file, FILE);
    return html`<li>${size === undefined ? html`<span class="name">${name}</span>` : html`<a class="name" href="${links.at('attachment', artifact)}?download=1" rel="nofollow">${name}</a>`}
<p class="quiet">${size === undefined ? 'not here' : roughSize(size)} · ${userText(user, USER)} · ${dateText(time)}</p></li>
`;
  };
  return html`<section><h2>Attachments</h2>
<ul class="listed refs">${attachments.map(item)}</ul></section>`;
}

export function attachmentJson({
  file,
  artifact,
  size,
  user,
  time,
}: ShownAttachment): z.infer<typeof attachmentSchema> {
  return { file, artifact, size: size ?? null, user, time };
}
