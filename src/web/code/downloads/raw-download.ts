import type { Context } from 'hono';
import { writeBlob } from '../../../browse/downloads/write-blob.ts';
import { blobSize, readBlob } from '../../../browse/objects.ts';
import { readRevision } from '../../../browse/revision.ts';
import { CairnError } from '../../../lib/errors.ts';
import { contentRange, readByteRange } from '../../byte-range.ts';
import { isKnown } from '../../validators.ts';
import type { CodeDownload } from '../code-download.ts';
import { findFile } from '../pages/file/find-file.ts';
import { rawHeaders } from './raw-headers.ts';

/** Most bytes of a file that is read as a whole. Larger ones are streamed, by a git process of their own. */
const READ_WHOLE = 4 * 1024 * 1024;

/** A raw file, or a part of it. */
export const rawDownload: CodeDownload = {
  word: 'raw',
  answer: async (c, { views, downloads }, found, segments) => {
    const { repository, published } = found;
    const at = readRevision(published.manifest, segments);
    // A tag of a file gives it its name.
    const name = at.path.at(-1) ?? Buffer.from(at.name.slice(at.name.lastIndexOf('/') + 1));
    const { oid, size, content } = await views.read(repository, published, c.req.raw.signal, async (view) => {
      const { oid } = await findFile(view, at);
      const size = await blobSize(view, oid);
      return { oid, size, content: size > READ_WHOLE ? undefined : await readBlob(view, oid, READ_WHOLE) };
    });
    c.header('Vary', 'Sec-Fetch-Dest, Sec-Fetch-Site', { append: true });
    const saved = c.req.query('download') === '1';
    const headers = rawHeaders({ name, content, oid, saved, framed: isFramed(c) });
    if (isKnown(c, headers.ETag)) return c.body(null, 304, headers);
    const range = rangeOf(c, headers.ETag, size);
    if (range === 'none') {
      return c.body(null, 416, { ...headers, 'Content-Range': contentRange('none', size) });
    }
    const { start, length } = range ?? { start: 0, length: size };
    const status = range === undefined ? 200 : 206;
    const sized = {
      ...headers,
      'Content-Length': String(length),
      ...(range === undefined ? {} : { 'Content-Range': contentRange(range, size) }),
    };
    if (c.req.method === 'HEAD') return c.body(null, status, sized);
    if (content !== undefined)
      return c.body(new Uint8Array(content.subarray(start, start + length)), status, sized);
    if (downloads === undefined) throw new CairnError('too-large', 'this file is too large to be sent here');
    const body = await downloads.body(
      c,
      found,
      ['blob', oid],
      (view, output) => writeBlob(view, oid, size, output),
      range,
    );
    return c.body(body, status, sized);
  },
};

/** Whether a page of this server asks for it, to show it in a frame. Browsers say so, and nothing in a page can. */
function isFramed(c: Context): boolean {
  return c.req.header('Sec-Fetch-Dest') === 'iframe' && c.req.header('Sec-Fetch-Site') === 'same-origin';
}

/** The requested part, unless the client has a part of another version (`If-Range`). */
export function rangeOf(c: Context, etag: string, size: number): ReturnType<typeof readByteRange> {
  const condition = c.req.header('If-Range');
  if (c.req.method !== 'GET' || (condition !== undefined && condition.trim() !== etag)) return undefined;
  return readByteRange(c.req.header('Range'), size);
}
