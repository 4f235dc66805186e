import { z } from 'zod';
import { blobSize, readBlob } from '../../../../browse/objects.ts';
import type { RepositoryView } from '../../../../browse/repository-view.ts';
import { type Revision, readRevision } from '../../../../browse/revision.ts';
import type { TreeEntry } from '../../../../git/index.ts';
import type { CodePage } from '../../code-page.ts';
import { linesOf, readFileText } from '../../file-text.ts';
import { nameSchema, pathJson } from '../../json/name-json.ts';
import { fileHtml, type ShownFile } from './file-html.ts';
import { findFile } from './find-file.ts';

/** Most bytes of a file that is shown as lines. */
const SHOWN_SIZE = 1024 * 1024;
/** Most lines, and most characters of a line. */
const SHOWN_LINES = 20_000;
const SHOWN_COLUMNS = 2_000;
/** A symbolic link is a path. */
const LINK_SIZE = 8_192;

interface FileContent {
  readonly oid: string;
  readonly kind: TreeEntry['kind'];
  /** Bytes. */
  readonly size: number;
  readonly shown: ShownFile;
}

const schema = z.object({
  revision: z.string(),
  path: nameSchema,
  oid: z.string(),
  kind: z.enum(['file', 'executable', 'symlink']),
  size: z.number().int().describe('bytes'),
  encoding: z.string().nullable().describe('null for what is not shown as text'),
  lines: z.array(z.string()).nullable().describe('null for what is not shown as text'),
  cut: z.boolean().describe('whether lines, or parts of them, were left out'),
});

/** A file. */
export const filePage: CodePage<Revision, FileContent, z.infer<typeof schema>> = {
  word: 'file',
  description: { summary: 'A file: what it is, and its lines', path: 'file/{revision}/{path}' },
  ask: (_, { manifest }, segments) => readRevision(manifest, segments),
  read: async (view, at) => {
    const { kind, oid } = await findFile(view.view, at);
    const size = await blobSize(view.view, oid);
    return { oid, kind, size, shown: await showFile(view.view, kind, oid, size) };
  },
  html: (context, at, content) => fileHtml(context, { revision: at.name, path: at.path, ...content }),
  json: {
    schema,
    of: (_, at, { oid, kind, size, shown }) => ({
      revision: at.name,
      path: pathJson(at.path),
      oid,
      kind: kind === 'executable' || kind === 'symlink' ? kind : 'file',
      size,
      encoding: shown.is === 'text' ? shown.encoding : null,
      lines: shown.is === 'text' ? [...shown.lines] : null,
      cut: shown.is === 'text' && shown.cut,
    }),
  },
};

async function showFile(
  view: RepositoryView,
  kind: TreeEntry['kind'],
  oid: string,
  size: number,
): Promise<ShownFile> {
  if (kind === 'symlink' && size <= LINK_SIZE) {
    return { is: 'link', target: (await readBlob(view, oid, LINK_SIZE)).toString('utf8') };
  }
  if (size > SHOWN_SIZE) return { is: 'too-large' };
  const read = readFileText(await readBlob(view, oid, SHOWN_SIZE));
  if (read.is === 'binary') return read;
  const all = linesOf(read.text);
  const cut = all.length > SHOWN_LINES || all.some((line) => line.length > SHOWN_COLUMNS);
  const lines = all
    .slice(0, SHOWN_LINES)
    .map((line) => (line.length > SHOWN_COLUMNS ? `${line.slice(0, SHOWN_COLUMNS)}…` : line));
  return { is: 'text', lines, encoding: read.encoding, cut };
}
