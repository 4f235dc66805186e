import { html } from 'hono/html';
import { z } from 'zod';
import { compareFiles, type FileChange, readCheckIn, readFiles } from '../../../browse/fossil/check-ins.ts';
import type { ArtifactName } from '../../../fossil/artifact-name.ts';
import type { CheckInManifest } from '../../../fossil/check-in-manifest.ts';
import { CairnError, isCairnError } from '../../../lib/errors.ts';
import type { Html } from '../../layout.ts';
import { userText } from '../../user-text.ts';
import { dateText, type FossilContext, fossilFrame } from '../fossil-frame.ts';
import type { FossilPage } from '../fossil-page.ts';
import { checkInOf, readCheckInName, type TIP } from '../read-artifact-name.ts';

/** Changed files that are listed. */
const SHOWN_CHANGES = 1_000;
const SHOWN_TAGS = 100;
const COMMENT = 20_000;
const USER = 100;
const PATH = 500;

interface Content {
  readonly name: ArtifactName;
  readonly checkIn: CheckInManifest;
  /** Number of files. */
  readonly files: number;
  /** Against the first parent; undefined where that is not here. */
  readonly changes: readonly FileChange[] | undefined;
}

const schema = z.object({
  name: z.string(),
  comment: z.string(),
  user: z.string(),
  time: z.number().int().nullable().describe('seconds since 1970; null if the date is invalid'),
  parents: z.array(z.string()).describe('the first is the primary one'),
  branch: z.string().nullable().describe('the branch that starts with it'),
  tags: z.array(z.object({ sign: z.enum(['+', '*', '-']), name: z.string(), value: z.string() })),
  files: z.number().int(),
  changes: z
    .array(
      z.object({
        change: z.enum(['added', 'changed', 'deleted', 'renamed']),
        name: z.string(),
        oldName: z.string().nullable(),
        artifact: z.string(),
      }),
    )
    .nullable()
    .describe(`against the first parent, ${SHOWN_CHANGES} at most; null if it is missing`),
  changed: z.number().int().nullable().describe('number of all changed files'),
});

/** A check-in: who, when, why, and which files it changes. */
export const checkInPage: FossilPage<ArtifactName | typeof TIP, Content, z.infer<typeof schema>> = {
  word: 'checkin',
  description: {
    summary: 'A check-in, and its changed files against its first parent',
    path: 'checkin/{artifact}',
  },
  ask: (segments) => {
    if (segments.length !== 1) throw new CairnError('not-found', 'use the full hash of the check-in');
    return readCheckInName(segments[0]);
  },
  read: async (view, asked) => {
    const name = await checkInOf(view, asked);
    const checkIn = await readCheckIn(view, name);
    const files = await readFiles(view, name);
    const [parent] = checkIn.parents;
    // A parent may be private, shunned, or not here yet.
    const before =
      parent === undefined
        ? new Map()
        : await readFiles(view, parent).catch((error: unknown) => {
            if (isCairnError(error, 'not-found')) return undefined;
            throw error;
          });
    return {
      name,
      checkIn,
      files: files.size,
      changes: before === undefined ? undefined : compareFiles(before, files),
    };
  },
  html: (context, _, content) => {
    const { name, checkIn, files, changes } = content;
    const { links } = context;
    const { comment, user, time, parents, branch, tags } = checkIn;
    const named = tags.filter(({ name: tag }) => tag !== 'branch' && !tag.startsWith('sym-'));
    const symbols = tags.filter(({ sign, name: tag }) => sign !== '-' && tag.startsWith('sym-'));
    return fossilFrame(
      context,
      comment.trim() === '' ? name.slice(0, 10) : comment.trim().slice(0, 100),
      html`<h1 class="subject">${comment.trim() === '' ? html`<em>no comment</em>` : userText(comment, COMMENT)}</h1>
<dl>
<dt>Check-in</dt><dd><code>${name}</code></dd>
<dt>User</dt><dd>${userText(user, USER)} <span class="quiet">${dateText(time)}</span></dd>
${branch === undefined ? '' : html`<dt>Begins</dt><dd>branch <b>${userText(branch, USER)}</b></dd>`}
${symbols.slice(0, SHOWN_TAGS).map(({ name: tag }) => html`<dt>Tag</dt><dd>${userText(tag.slice('sym-'.length), USER)}</dd>`)}
${named.slice(0, SHOWN_TAGS).map(({ sign, name: tag, value }) => html`<dt>Property</dt><dd>${sign}${userText(tag, USER)} ${userText(value, USER)}</dd>`)}
${parents.map((parent, at) => html`<dt>${at === 0 ? 'Parent' : 'Merges'}</dt><dd><a href="${links.at('checkin', parent)}"><code>${parent}</code></a></dd>`)}
<dt>Files</dt><dd><a href="${links.at('tree', name)}">Browse ${files.toLocaleString('en')} ${files === 1 ? 'file' : 'files'}</a></dd>
<dt>Artifact</dt><dd><a href="${links.at('artifact', name)}">As it is stored</a></dd>
</dl>
${changesHtml(context, content, changes)}`,
    );
  },
  json: {
    schema,
    of: (_, { name, checkIn, files, changes }) => ({
      name,
      comment: checkIn.comment,
      user: checkIn.user,
      time: checkIn.time ?? null,
      parents: [...checkIn.parents],
      branch: checkIn.branch ?? null,
      tags: checkIn.tags.slice(0, SHOWN_TAGS).map((tag) => ({ ...tag })),
      files,
      changes:
        changes?.slice(0, SHOWN_CHANGES).map((change) => ({ ...change, oldName: change.oldName ?? null })) ??
        null,
      changed: changes?.length ?? null,
    }),
  },
};

function changesHtml(
  { links }: FossilContext,
  { name, checkIn }: Content,
  changes: readonly FileChange[] | undefined,
): Html {
  if (changes === undefined) {
    return html`<h2>Changes</h2><p>Its parent is not here, so it cannot be told what this check-in changes.</p>`;
  }
  if (changes.length === 0) return html`<h2>Changes</h2><p>No file differs from its parent.</p>`;
  const title = `${changes.length.toLocaleString('en')} changed ${changes.length === 1 ? 'file' : 'files'}`;
  const [parent] = checkIn.parents;
  const rows = changes.slice(0, SHOWN_CHANGES).map((change) => {
    const isGone = change.change === 'deleted';
    const at = isGone ? parent : name;
    const text = html`${change.oldName === undefined ? '' : html`${userText(change.oldName, PATH)} → `}${userText(change.name, PATH)}`;
    return html`<li>${at === undefined ? text : html`<a href="${links.at('file', at, change.name)}">${text}</a>`} <span class="quiet">${change.change}</span></li>
`;
  });
  return html`<h2>${title}</h2>
<ul class="changed">
${rows}</ul>
${changes.length > SHOWN_CHANGES ? html`<p class="quiet">The first ${SHOWN_CHANGES.toLocaleString('en')} are shown.</p>` : ''}
<p class="quiet">What changes in a file is not shown here: <code>fossil diff --checkin ${name.slice(0, 10)}</code> shows it in a clone.</p>`;
}
