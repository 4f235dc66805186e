import { html } from 'hono/html';
import { z } from 'zod';
import { CairnError } from '../../../lib/errors.ts';
import type { ListedPatch, PatchThread } from '../../../relay/discussions/patch-series.ts';
import type { ColouredLines } from '../../code/diff/colour-lines.ts';
import { DIFF_QUERY, type DiffView, readDiffView } from '../../code/diff/diff-view.ts';
import { differencesHtml } from '../../code/diff/differences-html.ts';
import { codePage } from '../../code/frame.ts';
import { differencesJson, differencesSchema } from '../../code/json/differences-json.ts';
import { readNumber } from '../../code/read-query.ts';
import { commands, type Html, shellWord } from '../../layout.ts';
import { timeOf } from '../../time.ts';
import { userText } from '../../user-text.ts';
import { type NostrPage, type NostrRequest, Redirection } from '../nostr-page.ts';
import { nostrPersonJson, nostrPersonSchema } from '../people/person-json.ts';
import { keptPatch, type ShownPatch } from './shown-patch.ts';
import { eventLink, person, threadHead, threadTail } from './thread-html.ts';
import { cutText, threadJson, threadSchema } from './thread-json.ts';
import { readThread, requestedEvent, type ThreadContent } from './thread-parts.ts';

interface PatchContent extends ThreadContent {
  readonly patches: PatchThread;
  /** Which series is shown, from 1. */
  readonly series: number;
  readonly patch: ShownPatch;
  /** Its lines in colours; only for people. */
  readonly coloured: ColouredLines | undefined;
  readonly view: DiffView;
}

const listedPatchSchema = z.object({
  id: z.string(),
  subject: z.string(),
  author: nostrPersonSchema,
  createdAt: z.number().int(),
});

const schema = threadSchema.extend({
  series: z.array(z.array(listedPatchSchema)).describe('the patches, then their revisions'),
  byOthers: z.array(listedPatchSchema).describe('patches by people without the right to extend the series'),
  cut: z.boolean().describe('whether there are more patches than are listed'),
  shown: z.object({
    id: z.string(),
    subject: z.string(),
    from: z.string().describe('as stated in the mail'),
    date: z.string().describe('as stated in the mail'),
    message: z.string(),
    differences: differencesSchema,
  }),
});

/** A patch, or a series of them with its revisions. */
export const patchPage: NostrPage<PatchContent, z.infer<typeof schema>> = {
  word: 'patch',
  description: {
    summary: 'A patch or a series of patches, with its revisions and comments',
    path: 'patch/{event}',
    query: {
      series: 'which series to show, from 1; the last one without it',
      patch: 'event of the patch to show; the first of the series without it',
      skip: 'comments to leave out before the first one',
      ...DIFF_QUERY,
    },
  },
  read: async (request) => {
    const event = requestedEvent(request, 'patch');
    const { threads } = request.sources.discussions;
    const root = threads.rootOf(event, request.reader);
    if (root.id !== event.id) {
      const path = `${request.code.links.repository}/patch/${root.id}?patch=${event.id}`;
      return new Redirection(path);
    }
    const content = await readThread(request, event, undefined);
    const { patches } = content.thread;
    if (patches === undefined) throw new CairnError('not-found', 'there is no such patch');
    const view = readDiffView(request.query);
    const { series, listed } = chosen(request, patches);
    const found =
      listed.id === event.id ? event : threads.find(request.found.id, 'patch', listed.id, request.reader);
    if (found === undefined) throw new CairnError('not-found', 'there is no such patch');
    const patch = keptPatch(found, view);
    const isShown = request.representation === 'html';
    const coloured = isShown ? await request.sources.texts.colour(patch.differences) : undefined;
    return { ...content, patches, series, patch, coloured, view };
  },
  html: (request, content) =>
    codePage(
      request.code,
      content.thread.start.subject,
      html`${threadHead(request, content)}
${seriesHtml(request, content)}
${patchHtml(request, content)}
${threadTail(request, content)}`,
    ),
  json: { schema, of: patchJson },
};

/** The series and the patch that the query names. */
function chosen(
  { query }: NostrRequest,
  { series, byOthers }: PatchThread,
): { readonly series: number; readonly listed: ListedPatch } {
  const wanted = query.get('patch');
  const other = byOthers.find(({ id }) => id === wanted);
  if (other !== undefined) return { series: series.length, listed: other };
  const holding = series.findIndex(({ patches }) => patches.some(({ id }) => id === wanted)) + 1;
  const number = Math.min(holding || readNumber(query, 'series') || series.length, series.length);
  const { patches } = series[number - 1] ?? series[0];
  return { series: number, listed: patches.find(({ id }) => id === wanted) ?? patches[0] };
}

function seriesHtml(request: NostrRequest, { thread, patches, series, patch }: PatchContent): Html {
  const here = `${request.code.links.repository}/patch/${thread.start.id}`;
  const shown = patches.series[series - 1] ?? patches.series[0];
  const item = (one: ListedPatch) => html`<li>${
    one.id === patch.id
      ? html`<strong aria-current="true">${userText(one.subject, 200)}</strong>`
      : html`<a href="${here}?patch=${one.id}">${userText(one.subject, 200)}</a>`
  } <span class="quiet">${timeOf(one.at)} by ${person(request, one.author)}</span></li>
`;
  const versions = patches.series.map((one, at) => {
    const name = at === 0 ? 'first version' : `revision ${at}`;
    const url = `${here}?series=${at + 1}`;
    return html`<li>${at + 1 === series ? html`<strong>${name}</strong>` : html`<a href="${url}">${name}</a>`} <span class="quiet">${timeOf(one.patches[0].at)}, ${one.patches.length} ${one.patches.length === 1 ? 'patch' : 'patches'}</span></li>
`;
  });
  return html`${patches.series.length > 1 ? html`<h2>Versions</h2><ul class="changed">${versions}</ul>` : ''}
${shown.patches.length > 1 ? html`<h2>Patches</h2><ol class="changed">${shown.patches.map(item)}</ol>` : ''}
${patches.byOthers.length === 0 ? '' : html`<details><summary>${patches.byOthers.length} by others</summary><ul class="changed">${patches.byOthers.map(item)}</ul></details>`}
${patches.cut ? html`<p class="quiet">There are more patches than are listed.</p>` : ''}`;
}

function patchHtml(request: NostrRequest, { thread, patch, coloured, view }: PatchContent): Html {
  const { links, base } = request.code;
  const url = new URL(`${links.repository}/event/${patch.id}.patch`, base);
  return html`<h2>${userText(patch.subject, 200)}</h2>
<p class="quiet">${patch.sender === '' ? '' : html`From ${userText(patch.sender, 200)}, as the mail says. `}${patch.date === '' ? '' : html`${userText(patch.date, 60)}. `}${eventLink(request, patch.id)}</p>
${patch.message === '' ? '' : html`<p class="said">${userText(patch.message, 20_000)}</p>`}
${commands(`curl -sS ${shellWord(url.href)} | git am`)}
${differencesHtml(links, {
  differences: patch.differences,
  coloured,
  view,
  here: `${links.repository}/patch/${thread.start.id}`,
  others: { patch: patch.id },
})}`;
}

function patchJson(request: NostrRequest, content: PatchContent): z.infer<typeof schema> {
  const { patches, patch } = content;
  const listed = ({ id, subject, author, at }: ListedPatch) => ({
    id,
    subject,
    author: nostrPersonJson(request.people.person(author)),
    createdAt: at,
  });
  return {
    ...threadJson(request, content),
    series: patches.series.map((one) => one.patches.map(listed)),
    byOthers: patches.byOthers.map(listed),
    cut: patches.cut,
    shown: {
      id: patch.id,
      subject: patch.subject,
      from: patch.sender,
      date: patch.date,
      message: cutText(patch.message),
      differences: differencesJson(patch.differences),
    },
  };
}
