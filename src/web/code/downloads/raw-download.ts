import { blobSize, peel, readBlob } from '../../../browse/objects.ts';
import { readRevision } from '../../../browse/revision.ts';
import { CairnError } from '../../../lib/errors.ts';
import { isKnown } from '../../validators.ts';
import type { CodeDownload } from '../code-download.ts';
import { findFile } from '../pages/file/find-file.ts';
import { rawHeaders } from './raw-headers.ts';

/** Most bytes of a file that is sent raw. Larger ones are a matter for git. */
const RAW_SIZE = 32 * 1024 * 1024;

/** A file as it is. */
export const rawDownload: CodeDownload = {
  word: 'raw',
  answer: (c, { views }, { repository, published }, segments) => {
    const at = readRevision(published.manifest, segments);
    const name = at.path.at(-1);
    if (name === undefined) throw new CairnError('not-found', 'no file is named');
    return views.read(repository, published, c.req.raw.signal, async (view) => {
      const { oid } = await findFile(view, at);
      if ((await blobSize(view, oid)) > RAW_SIZE) {
        throw new CairnError('too-large', 'this file is too large to be sent by a page');
      }
      const content = await readBlob(view, (await peel(view, oid)).oid, RAW_SIZE);
      const headers = rawHeaders(name, content, oid);
      if (isKnown(c, headers['ETag'] ?? '')) return c.body(null, 304, headers);
      return c.body(new Uint8Array(content), 200, headers);
    });
  },
};
