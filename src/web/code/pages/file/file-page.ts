import { z } from 'zod';
import { blobSize } from '../../../../browse/objects.ts';
import { type Revision, readRevision } from '../../../../browse/revision.ts';
import type { CodePage } from '../../code-page.ts';
import { nameSchema, pathJson } from '../../json/name-json.ts';
import { LiesElsewhere } from '../../lies-elsewhere.ts';
import { markdownPlace } from '../../markdown-place.ts';
import { type FileContent, type FileQuestion, fileHtml } from './file-html.ts';
import { findEntry } from './find-file.ts';
import { showFile } from './show-file.ts';

const schema = z.object({
  revision: z.string(),
  path: nameSchema,
  commit: z.string().nullable().describe('the commit of the revision; null for a tag of a tree'),
  oid: z.string().describe('id of the file, or of the commit of a submodule'),
  kind: z.enum(['file', 'executable', 'symlink', 'submodule']),
  size: z.number().int().nullable().describe('bytes; null for a submodule'),
  encoding: z.string().nullable().describe('null if it is not shown as text'),
  lines: z.array(z.string()).nullable().describe('null if it is not shown as text'),
  lineEnds: z.enum(['lf', 'crlf', 'mixed']).nullable(),
  endsWithLineFeed: z.boolean().nullable(),
  cut: z.boolean().describe('whether lines, or parts of them, were left out'),
  target: z.string().nullable().describe('target of a symbolic link, unchanged'),
  submodule: z.string().nullable().describe('URL of a submodule in .gitmodules, unchanged'),
  lfs: z
    .object({ oid: z.string().describe('SHA-256'), size: z.number().int() })
    .nullable()
    .describe('the file of a Git LFS pointer'),
});

/** A file. */
export const filePage: CodePage<FileQuestion, FileContent, z.infer<typeof schema>> = {
  word: 'file',
  offersRefs: true,
  description: {
    summary: 'A file: its type and its lines',
    path: 'file/{revision}/{path}',
    query: {
      plain:
        '1: pages show the lines of a file that they render otherwise; answers in JSON have the lines always',
    },
  },
  ask: ({ links }, { manifest }, segments, query) => {
    const at = readRevision(manifest, segments);
    return {
      ...at,
      plain: query.get('plain') === '1',
      place: markdownPlace(links, at.name, at.path.slice(0, -1)),
    };
  },
  read: async (sources, question) => {
    const { view } = sources;
    const entry = await findEntry(view, question);
    if (entry.kind === 'folder') throw new LiesElsewhere('tree');
    const size = entry.kind === 'submodule' ? undefined : await blobSize(view, entry.oid);
    return { entry, size, shown: await showFile(sources, { ...entry, ...question, oid: entry.oid, size }) };
  },
  html: fileHtml,
  json: { schema, of: (_, at, content) => fileJson(at, content) },
};

function fileJson(at: Revision, { entry, size, shown }: FileContent): z.infer<typeof schema> {
  const { lines, special } = shown;
  return {
    revision: at.name,
    path: pathJson(at.path),
    commit: entry.commit ?? null,
    oid: entry.oid,
    kind: entry.kind === 'folder' ? 'file' : entry.kind,
    size: size ?? null,
    encoding: lines?.encoding ?? null,
    lines: lines === undefined ? null : [...lines.lines],
    lineEnds: lines?.lineEnds ?? null,
    endsWithLineFeed: lines?.endsWithLineFeed ?? null,
    cut: lines?.cut ?? false,
    target: special?.is === 'link' ? special.target : null,
    submodule: (special?.is === 'submodule' ? special.url : undefined) ?? null,
    lfs: special?.is === 'lfs' ? { oid: special.oid, size: special.size } : null,
  };
}
