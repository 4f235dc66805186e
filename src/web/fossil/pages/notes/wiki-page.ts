import { html } from 'hono/html';
import { z } from 'zod';
import { readArtifact } from '../../../../browse/fossil/fossil-view.ts';
import { attachmentsOf, type ShownAttachment } from '../../../../browse/fossil/notes/attachments.ts';
import {
  LARGEST_NOTE,
  type ProjectNotes,
  readProjectNotes,
  type WikiPage,
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
  /** Of a page; empty for the list of all. */
  readonly title: string;
  readonly skip: number;
}

interface Content {
  readonly notes: ProjectNotes;
  /** The page that is asked for. */
  readonly shown: ShownWikiPage | undefined;
}

interface ShownWikiPage {
  readonly page: WikiPage;
  readonly text: ShownText;
  /** The whole text, for programs. */
  readonly whole: string;
  readonly attachments: readonly ShownAttachment[];
}

const TITLE = 300;
const USER = 100;

const schema = z.object({
  skip: z.number().int(),
  count: z.number().int(),
  cut: z.boolean().describe('whether artifacts are left that nobody has looked at'),
  pages: z
    .array(
      z.object({
        title: z.string(),
        artifact: z.string().describe('the newest version'),
        user: z.string(),
        time: z.number().int().describe('seconds since 1970'),
      }),
    )
    .describe('of the list; of one page itself alone'),
  type: z.string().nullable().describe('the media type of a page; null for the list'),
  text: z.string().nullable().describe('of a page; null for the list'),
  attachments: z.array(attachmentSchema).nullable().describe('of a page; null for the list'),
});

/** The wiki: a list of its pages, or one of them. */
export const wikiPage: FossilPage<Question, Content, z.infer<typeof schema>> = {
  word: 'wiki',
  description: {
    summary: `The pages of the wiki by title, ${SHOWN_NOTES} on a page; with a title, that page`,
    path: 'wiki/{title}',
    query: { skip: 'pages to leave out before the first one' },
  },
  ask: (segments, query) => ({ title: segments.join('/'), skip: readNumber(query, 'skip') }),
  read: async (view, { title }, renderer, links) => {
    const notes = await readProjectNotes(view);
    if (title === '') return { notes, shown: undefined };
    const page = notes.wiki.find((one) => one.title === title);
    if (page === undefined) throw new CairnError('not-found', 'there is no such page in the wiki');
    const version = parseProjectNote(await readArtifact(view, page.artifact, LARGEST_NOTE));
    if (version?.is !== 'wiki') throw new CairnError('not-found', 'this page of the wiki cannot be read');
    const [text = { ...version, rendered: undefined }] = await showTexts(
      renderer,
      links,
      [version],
      linkTargets(view, notes, links),
    );
    return {
      notes,
      shown: { page, text, whole: version.text, attachments: attachmentsOf(view, notes, title) },
    };
  },
  html: (context, { skip }, { notes, shown }) =>
    shown === undefined ? listHtml(context, skip, notes) : pageHtml(context, shown),
  json: {
    schema,
    of: ({ skip }, { notes, shown }) => {
      const pages = shown === undefined ? notes.wiki.slice(skip, skip + SHOWN_NOTES) : [shown.page];
      return {
        skip,
        count: notes.wiki.length,
        cut: notes.cut,
        pages: pages.map(({ title, artifact, user, time }) => ({ title, artifact, user, time })),
        type: shown?.text.type ?? null,
        text: shown?.whole ?? null,
        attachments: shown?.attachments.map(attachmentJson) ?? null,
      };
    },
  },
};

function listHtml(context: FossilContext, skip: number, { wiki, cut }: ProjectNotes): Html {
  const { links } = context;
  const items = wiki.slice(skip, skip + SHOWN_NOTES).map(
    ({
      title,
      user,
      time,
    }) => html`<li><a class="name" href="${links.at('wiki', undefined, title)}">${userText(title, TITLE)}</a>
<p class="quiet">${userText(user, USER)} · ${dateText(time)}</p></li>
`,
  );
  return fossilFrame(
    context,
    'Wiki',
    noteListHtml({
      title: 'Wiki',
      none: 'No pages of a wiki.',
      url: links.at('wiki'),
      skip,
      count: wiki.length,
      cut,
      items,
    }),
  );
}

function pageHtml(context: FossilContext, { page, text, attachments }: ShownWikiPage): Html {
  const { links } = context;
  const { title, artifact, user, time } = page;
  return fossilFrame(
    context,
    cut(title, TITLE),
    html`<h1 class="path"><a href="${links.at('wiki')}">Wiki</a><span class="quiet" aria-hidden="true">/</span><span aria-current="page">${userText(title, TITLE)}</span></h1>
<p class="quiet">${userText(user, USER)} · ${dateText(time)} · <a href="${links.at('artifact', artifact)}">Artifact</a></p>
${pageTextHtml(text)}
${attachmentsHtml(links, attachments)}`,
  );
}
