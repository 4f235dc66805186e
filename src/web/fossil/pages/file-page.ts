import { html } from 'hono/html';
import { z } from 'zod';
import { findFile, readFiles } from '../../../browse/fossil/check-ins.ts';
import { findArtifact, readArtifact } from '../../../browse/fossil/fossil-view.ts';
import type { ArtifactName } from '../../../fossil/artifact-name.ts';
import type { CheckInFile } from '../../../fossil/check-in-manifest.ts';
import { CairnError } from '../../../lib/errors.ts';
import { roughSize } from '../../../lib/format-size.ts';
import { LiesElsewhere } from '../../code/lies-elsewhere.ts';
import { entriesOf } from '../folder-entries.ts';
import { breadcrumbs, fossilFrame } from '../fossil-frame.ts';
import type { FossilPage } from '../fossil-page.ts';
import { checkInOf, readCheckInName, type TIP } from '../read-artifact-name.ts';
import {
  SHOWN_SIZE,
  type ShownContent,
  shownContent,
  shownHtml,
  shownJson,
  shownSchema,
} from '../shown-content.ts';

interface Question {
  readonly checkIn: ArtifactName | typeof TIP;
  readonly path: string;
}

interface Content {
  readonly checkIn: ArtifactName;
  readonly file: CheckInFile;
  /** Bytes. */
  readonly size: number;
  readonly shown: ShownContent;
}

const schema = z.object({
  checkIn: z.string(),
  path: z.string(),
  artifact: z.string(),
  kind: z.enum(['file', 'executable', 'symlink']),
  size: z.number().int().describe('bytes'),
  ...shownSchema,
});

/** A file of a check-in. */
export const filePage: FossilPage<Question, Content, z.infer<typeof schema>> = {
  word: 'file',
  description: {
    summary: 'A file of a check-in, or of the newest one (`tip`): its type and its lines',
    path: 'file/{artifact}/{path}',
  },
  ask: ([name, ...path]) => {
    if (path.length === 0) throw new CairnError('not-found', 'no file is named');
    return { checkIn: readCheckInName(name), path: path.join('/') };
  },
  read: async (view, { checkIn: asked, path }, renderer) => {
    const checkIn = await checkInOf(view, asked);
    const files = await readFiles(view, checkIn);
    // Links in a README lead to folders as well.
    if (!files.has(path) && entriesOf(files, path).length > 0) throw new LiesElsewhere('tree');
    const file = await findFile(view, checkIn, path);
    const { size } = findArtifact(view, file.artifact);
    const shown: ShownContent =
      size > SHOWN_SIZE
        ? { is: 'too-large' }
        : await shownContent(
            await readArtifact(view, file.artifact, SHOWN_SIZE),
            renderer === undefined ? undefined : { renderer, name: path },
          );
    return { checkIn, file, size, shown };
  },
  html: (context, { path }, { checkIn, file, size, shown }) =>
    fossilFrame(
      context,
      `${path} at ${checkIn.slice(0, 10)}`,
      html`${breadcrumbs(context, checkIn, path)}
<p class="quiet">${file.kind === 'file' ? '' : `${file.kind} · `}${roughSize(size)} · <a href="${context.links.at('raw', checkIn, path)}">Raw</a> · <a href="${context.links.at('artifact', file.artifact)}">Artifact <code>${file.artifact.slice(0, 10)}</code></a> · <a href="${context.links.at('checkin', checkIn)}">Check-in</a></p>
${shownHtml(shown)}`,
    ),
  json: {
    schema,
    of: ({ path }, { checkIn, file, size, shown }) => ({
      checkIn,
      path,
      artifact: file.artifact,
      kind: file.kind,
      size,
      ...shownJson(shown),
    }),
  },
};
