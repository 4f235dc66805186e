import { html } from 'hono/html';
import { z } from 'zod';
import { findArtifact, readArtifact } from '../../../browse/fossil/fossil-view.ts';
import type { ArtifactName } from '../../../fossil/artifact-name.ts';
import { readStructuralArtifact } from '../../../fossil/structural-artifact.ts';
import { CairnError } from '../../../lib/errors.ts';
import { roughSize } from '../../../lib/format-size.ts';
import { fossilFrame } from '../fossil-frame.ts';
import type { FossilPage } from '../fossil-page.ts';
import { readArtifactName } from '../read-artifact-name.ts';
import {
  SHOWN_SIZE,
  type ShownContent,
  shownContent,
  shownHtml,
  shownJson,
  shownSchema,
} from '../shown-content.ts';

/** `structural` is a ticket change, a wiki page, a tag or another artifact of Fossil's own; `file` anything else. */
type Kind = 'check-in' | 'cluster' | 'structural' | 'file';

interface Content {
  readonly kind: Kind;
  /** Bytes. */
  readonly size: number;
  readonly shown: ShownContent;
}

const schema = z.object({
  name: z.string(),
  kind: z
    .enum(['check-in', 'cluster', 'structural', 'file'])
    .describe('structural: for example a ticket change, a wiki page or a tag'),
  size: z.number().int().describe('bytes'),
  ...shownSchema,
});

const WORDS: Readonly<Record<Kind, string>> = {
  'check-in': 'A check-in, as it is stored',
  cluster: 'A cluster: it lists names of other artifacts',
  structural:
    "One of Fossil's own artifacts (a ticket change, a wiki page, a tag or the like), as it is stored",
  file: 'Content of a file',
};

/** One artifact by its name. */
export const artifactPage: FossilPage<ArtifactName, Content, z.infer<typeof schema>> = {
  word: 'artifact',
  description: { summary: 'An artifact: its type and its lines', path: 'artifact/{artifact}' },
  ask: (segments) => {
    if (segments.length !== 1) throw new CairnError('not-found', 'use the full hash of the artifact');
    return readArtifactName(segments[0]);
  },
  read: async (view, name) => {
    const { size, isCheckIn, isCluster } = findArtifact(view, name);
    const known = isCheckIn ? 'check-in' : isCluster ? 'cluster' : undefined;
    if (size > SHOWN_SIZE) return { kind: known ?? 'file', size, shown: { is: 'too-large' } };
    const content = await readArtifact(view, name, SHOWN_SIZE);
    const kind = known ?? (readStructuralArtifact(content) === undefined ? 'file' : 'structural');
    return { kind, size, shown: await shownContent(content) };
  },
  html: (context, name, { kind, size, shown }) => {
    const { links } = context;
    return fossilFrame(
      context,
      `Artifact ${name.slice(0, 10)}`,
      html`<h1 class="subject">Artifact <code>${name.slice(0, 10)}</code></h1>
<p class="quiet"><code>${name}</code></p>
<p class="quiet">${WORDS[kind]} · ${roughSize(size)} · <a href="${links.at('raw', name)}">Raw</a>${kind === 'check-in' ? html` · <a href="${links.at('checkin', name)}">As a check-in</a>` : ''}</p>
${shownHtml(shown)}`,
    );
  },
  json: {
    schema,
    of: (name, { kind, size, shown }) => ({ name, kind, size, ...shownJson(shown) }),
  },
};
