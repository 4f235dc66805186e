import { html } from 'hono/html';
import { z } from 'zod';
import { readFiles } from '../../../browse/fossil/check-ins.ts';
import type { ArtifactName } from '../../../fossil/artifact-name.ts';
import type { CheckInFile } from '../../../fossil/check-in-manifest.ts';
import { CairnError } from '../../../lib/errors.ts';
import type { Html } from '../../layout.ts';
import { userText } from '../../user-text.ts';
import { breadcrumbs, type FossilContext, fossilFrame } from '../fossil-frame.ts';
import type { FossilPage } from '../fossil-page.ts';
import { checkInOf, readCheckInName, type TIP } from '../read-artifact-name.ts';

/** Entries of a folder on a page. */
const SHOWN_ENTRIES = 2_000;
const NAME = 255;

interface Question {
  readonly checkIn: ArtifactName | typeof TIP;
  /** With slashes; empty for the top. */
  readonly path: string;
}

interface Entry {
  readonly name: string;
  /** Undefined for a folder. */
  readonly file: CheckInFile | undefined;
}

interface Content {
  readonly checkIn: ArtifactName;
  readonly entries: readonly Entry[];
  /** Number of all entries. */
  readonly count: number;
}

const schema = z.object({
  checkIn: z.string(),
  path: z.string(),
  count: z.number().int().describe('entries of the folder'),
  entries: z
    .array(
      z.object({
        name: z.string(),
        kind: z.enum(['folder', 'file', 'executable', 'symlink']),
        artifact: z.string().nullable().describe('null for a folder'),
      }),
    )
    .describe(`${SHOWN_ENTRIES} at most`),
});

/** A folder of a check-in. */
export const treePage: FossilPage<Question, Content, z.infer<typeof schema>> = {
  word: 'tree',
  description: {
    summary: 'A folder of a check-in, or of the newest one (`tip`): its entries',
    path: 'tree/{artifact}/{path}',
  },
  ask: ([name, ...path]) => ({ checkIn: readCheckInName(name), path: path.join('/') }),
  read: async (view, { checkIn: asked, path }) => {
    const checkIn = await checkInOf(view, asked);
    const all = entriesOf(await readFiles(view, checkIn), path);
    if (all.length === 0 && path !== '') {
      throw new CairnError('not-found', 'there is no such folder in this check-in');
    }
    return { checkIn, entries: all.slice(0, SHOWN_ENTRIES), count: all.length };
  },
  html: (context, { path }, { checkIn, entries, count }) =>
    fossilFrame(
      context,
      `${path === '' ? 'Files' : path} at ${checkIn.slice(0, 10)}`,
      html`${breadcrumbs(context, checkIn, path)}
<p class="quiet"><a href="${context.links.at('checkin', checkIn)}">Check-in</a></p>
${
  count === 0
    ? html`<p>This check-in has no files.</p>`
    : html`<div class="card"><table class="files">
<thead><tr><th scope="col">Name</th><th scope="col">Artifact</th></tr></thead>
<tbody>
${entries.map((entry) => row(context, checkIn, path, entry))}</tbody>
</table></div>`
}
${entries.length < count ? html`<p class="quiet">${entries.length.toLocaleString('en')} of ${count.toLocaleString('en')} entries.</p>` : ''}`,
    ),
  json: {
    schema,
    of: ({ path }, { checkIn, entries, count }) => ({
      checkIn,
      path,
      count,
      entries: entries.map(({ name, file }) => ({
        name,
        kind: file === undefined ? ('folder' as const) : file.kind,
        artifact: file?.artifact ?? null,
      })),
    }),
  },
};

/** What is directly in a folder, folders first. */
function entriesOf(files: ReadonlyMap<string, CheckInFile>, path: string): Entry[] {
  const prefix = path === '' ? '' : `${path}/`;
  const found = new Map<string, CheckInFile | undefined>();
  for (const [name, file] of files) {
    if (!name.startsWith(prefix)) continue;
    const slash = name.indexOf('/', prefix.length);
    if (slash === -1) found.set(name.slice(prefix.length), file);
    else found.set(name.slice(prefix.length, slash), undefined);
  }
  const entries = [...found].map(([name, file]) => ({ name, file }));
  // Files are in the order of their names.
  return [
    ...entries.filter(({ file }) => file === undefined),
    ...entries.filter(({ file }) => file !== undefined),
  ];
}

function row({ links }: FossilContext, checkIn: ArtifactName, path: string, { name, file }: Entry): Html {
  const whole = path === '' ? name : `${path}/${name}`;
  const text = userText(name, NAME);
  const link =
    file === undefined
      ? html`<a href="${links.at('tree', checkIn, whole)}">${text}/</a>`
      : html`<a href="${links.at('file', checkIn, whole)}">${text}</a>${file.kind === 'file' ? '' : html` <span class="quiet">${file.kind}</span>`}`;
  return html`<tr><th scope="row" class="${file?.kind ?? 'folder'}">${link}</th><td>${file === undefined ? '' : html`<a class="plain" href="${links.at('artifact', file.artifact)}"><code>${file.artifact.slice(0, 10)}</code></a>`}</td></tr>
`;
}
