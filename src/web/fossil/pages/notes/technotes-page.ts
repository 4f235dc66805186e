import { html } from 'hono/html';
import { z } from 'zod';
import { readArtifact } from '../../../../browse/fossil/fossil-view.ts';
import { attachmentsOf, type ShownAttachment } from '../../../../browse/fossil/notes/attachments.ts';
import {
  LARGEST_NOTE,
  type ProjectNotes,
  readProjectNotes,
  type Technote,
} from '../../../../browse/fossil/notes/project-notes.ts';
import { parseProjectNote } from '../../../../fossil/project-note.ts';
import { CairnError } from '../../../../lib/errors.ts';
import { readNumber } from '../../../code/read-query.ts';
import type { Html } from '../../../layout.ts';
import { cut, userText } from '../../../user-text.ts';
import { dateText, type FossilContext, fossilFrame } from '../../fossil-frame.ts';
import type { FossilPage } from '../../fossil-page.ts';
import { attachmentJson, attachmentSchema, attachmentsHtml } from './attachments-html.ts';
import { linkTargets } from './link-targets.ts';
import { pageTextHtml, type ShownText, showTexts } from './note-texts.ts';
import { noteListHtml, SHOWN_NOTES } from './notes-html.ts';

interface Question {
  /** Of a technote; empty for the list of all. */
  readonly name: string;
  readonly skip: number;
}

interface Content {
  readonly notes: ProjectNotes;
  /** The technote that is asked for. */
  readonly shown: ShownTechnote | undefined;
}

interface ShownTechnote {
  readonly technote: Technote;
  readonly text: ShownText;
  /** The whole text, for programs. */
  readonly whole: string;
  readonly attachments: readonly ShownAttachment[];
}

const COMMENT = 300;
const USER = 100;

const schema = z.object({
  skip: z.number().int(),
  count: z.number().int(),
  cut: z.boolean().describe('whether artifacts are left that nobody has looked at'),
  technotes: z
    .array(
      z.object({
        name: z.string(),
        artifact: z.string().describe('the newest version'),
        comment: z.string(),
        user: z.string(),
        at: z.number().int().describe('seconds since 1970'),
      }),
    )
    .describe('of the list; of one technote itself alone'),
  type: z.string().nullable().describe('the media type of one technote; null for the list'),
  text: z.string().nullable().describe('of one technote; null for the list'),
  attachments: z.array(attachmentSchema).nullable().describe('of one technote; null for the list'),
});

/** The technotes: a list of them, or one with its text. */
export const technotesPage: FossilPage<Question, Content, z.infer<typeof schema>> = {
  word: 'technotes',
  description: {
    summary: `The technotes, newest first, ${SHOWN_NOTES} on a page; with a name, that technote with its attachments`,
    path: 'technotes/{name}',
    query: { skip: 'technotes to leave out before the first one' },
  },
  ask: (segments, query) => {
    if (segments.length > 1) throw new CairnError('not-found', 'there is no such page');
    return { name: segments[0] ?? '', skip: readNumber(query, 'skip') };
  },
  read: async (view, { name }, renderer, links) => {
    const notes = await readProjectNotes(view);
    if (name === '') return { notes, shown: undefined };
    const technote = notes.technotes.find((one) => one.name === name);
    if (technote === undefined) throw new CairnError('not-found', 'there is no such technote');
    const version = parseProjectNote(await readArtifact(view, technote.artifact, LARGEST_NOTE));
    if (version?.is !== 'technote') throw new CairnError('not-found', 'this technote cannot be read');
    const [text = { ...version, rendered: undefined }] = await showTexts(
      renderer,
      links,
      [version],
      linkTargets(view, notes, links),
    );
    const attachments = attachmentsOf(view, notes, name);
    return { notes, shown: { technote, text, whole: version.text, attachments } };
  },
  html: (context, { skip }, { notes, shown }) =>
    shown === undefined
      ? fossilFrame(context, 'Technotes', listHtml(context, skip, notes))
      : fossilFrame(
          context,
          cut(shown.technote.comment, COMMENT) || 'Technote',
          technoteHtml(context, shown),
        ),
  json: {
    schema,
    of: ({ skip }, { notes, shown }) => ({
      skip,
      count: notes.technotes.length,
      cut: notes.cut,
      technotes: (shown === undefined
        ? notes.technotes.slice(skip, skip + SHOWN_NOTES)
        : [shown.technote]
      ).map(({ name, artifact, comment, user, at }) => ({ name, artifact, comment, user, at })),
      type: shown?.text.type ?? null,
      text: shown?.whole ?? null,
      attachments: shown?.attachments.map(attachmentJson) ?? null,
    }),
  },
};

function listHtml({ links }: FossilContext, skip: number, { technotes, cut: isCut }: ProjectNotes): Html {
  const item = ({ name, comment, user, at }: Technote) =>
    html`<li><a class="name" href="${links.at('technotes', name)}">${comment.trim() === '' ? html`<em>no comment</em>` : userText(comment, COMMENT)}</a>
<p class="quiet">${userText(user, USER)} · ${dateText(at)}</p></li>
`;
  return noteListHtml({
    title: 'Technotes',
    none: 'No technotes.',
    url: links.at('technotes'),
    skip,
    count: technotes.length,
    cut: isCut,
    items: technotes.slice(skip, skip + SHOWN_NOTES).map(item),
  });
}

function technoteHtml({ links }: FossilContext, { technote, text, attachments }: ShownTechnote): Html {
  const { comment, user, at, artifact } = technote;
  return html`<h1 class="subject">${comment.trim() === '' ? html`<em>no comment</em>` : userText(comment, COMMENT)}</h1>
<p class="quiet"><a href="${links.at('technotes')}">Technote</a> · ${userText(user, USER)} · ${dateText(at)} · <a href="${links.at('artifact', artifact)}">Artifact</a></p>
${pageTextHtml(text)}
${attachmentsHtml(links, attachments)}`;
}
