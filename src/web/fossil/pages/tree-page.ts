import { html } from 'hono/html';
import { z } from 'zod';
import { readFiles } from '../../../browse/fossil/check-ins.ts';
import type { ArtifactName } from '../../../fossil/artifact-name.ts';
import { CairnError } from '../../../lib/errors.ts';
import { LiesElsewhere } from '../../code/lies-elsewhere.ts';
import { entriesHtml, entriesOf, SHOWN_ENTRIES, type ShownFolder } from '../folder-entries.ts';
import { breadcrumbs, fossilFrame } from '../fossil-frame.ts';
import type { FossilPage } from '../fossil-page.ts';
import { checkInOf, readCheckInName, type TIP } from '../read-artifact-name.ts';

interface Question {
  readonly checkIn: ArtifactName | typeof TIP;
  /** With slashes; empty for the top. */
  readonly path: string;
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
export const treePage: FossilPage<Question, ShownFolder, z.infer<typeof schema>> = {
  word: 'tree',
  description: {
    summary: 'A folder of a check-in, or of the newest one (`tip`): its entries',
    path: 'tree/{artifact}/{path}',
  },
  ask: ([name, ...path]) => ({ checkIn: readCheckInName(name), path: path.join('/') }),
  read: async (view, { checkIn: asked, path }) => {
    const checkIn = await checkInOf(view, asked);
    const files = await readFiles(view, checkIn);
    const all = entriesOf(files, path);
    if (all.length === 0 && path !== '') {
      if (files.has(path)) throw new LiesElsewhere('file');
      throw new CairnError('not-found', 'there is no such folder in this check-in');
    }
    return { checkIn, entries: all.slice(0, SHOWN_ENTRIES), count: all.length };
  },
  html: (context, { path }, folder) =>
    fossilFrame(
      context,
      `${path === '' ? 'Files' : path} at ${folder.checkIn.slice(0, 10)}`,
      html`${breadcrumbs(context, folder.checkIn, path)}
<p class="quiet"><a href="${context.links.at('checkin', folder.checkIn)}">Check-in</a></p>
<div class="card">${entriesHtml(context, path, folder)}</div>`,
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
