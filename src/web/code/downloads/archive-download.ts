import {
  ARCHIVE_TYPES,
  type ArchiveFormat,
  archiveEncoding,
  writeArchive,
} from '../../../browse/downloads/write-archive.ts';
import { readCommitOf } from '../../../browse/objects.ts';
import { readRevision, shortName } from '../../../browse/revision.ts';
import { sha256 } from '../../../lib/digest.ts';
import { CairnError } from '../../../lib/errors.ts';
import { contentDisposition, safeFileName } from '../../../lib/safe-file-name.ts';
import { isKnown } from '../../validators.ts';
import type { CodeDownload } from '../code-download.ts';

/** Longer endings first: a name may end with a part of another. */
const FORMATS = ['tar.gz', 'tar.zst', 'tar', 'zip'] as const satisfies readonly ArchiveFormat[];

/** All files of a commit in one. */
export const archiveDownload: CodeDownload = {
  word: 'archive',
  answer: async (c, { views, downloads }, found, segments) => {
    const { repository, published, id } = found;
    const { name, format } = readName(segments);
    const at = readRevision(published.manifest, name);
    if (at.path.length > 0)
      throw new CairnError('not-found', 'an archive is of a whole revision: leave out the path');
    if (downloads === undefined) throw new CairnError('not-found', 'there are no archives here');
    const commit = await views.read(repository, published, c.req.raw.signal, async (view) => {
      return (await readCommitOf(view, at.oid)).oid;
    });
    const prefix =
      `${safeFileName(id.identifier, 'repository')}-${safeFileName(shortName(at.name), 'revision')}`.slice(
        0,
        200,
      );
    const key = ['archive', commit, ...archiveEncoding(format), prefix];
    const headers = {
      'Content-Type': ARCHIVE_TYPES[format],
      'Content-Disposition': contentDisposition('attachment', `${prefix}.${format}`),
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-cache',
      'Accept-Ranges': 'none',
      ETag: `"${sha256(key.join('\n')).slice(0, 32)}"`,
    };
    if (isKnown(c, headers.ETag)) return c.body(null, 304, headers);
    if (c.req.method === 'HEAD') return c.body(null, 200, headers);
    const body = await downloads.body(c, found, key, (view, output) =>
      writeArchive(view, downloads.refless, { commit, format, prefix }, output),
    );
    return c.body(body, 200, headers);
  },
};

/** Splits `v1.0.tar.gz` into the segments of a revision and the format. */
function readName(segments: readonly Buffer[]): {
  readonly name: readonly Buffer[];
  readonly format: ArchiveFormat;
} {
  const last = segments.at(-1) ?? Buffer.alloc(0);
  const format = FORMATS.find((ending) => last.length > ending.length + 1 && endsWith(last, `.${ending}`));
  if (format === undefined) {
    throw new CairnError('not-found', `an archive is asked for as <revision>.${FORMATS.join(' or .')}`);
  }
  return { name: [...segments.slice(0, -1), last.subarray(0, -format.length - 1)], format };
}

function endsWith(name: Buffer, ending: string): boolean {
  return name.subarray(-ending.length).toString('latin1') === ending;
}
