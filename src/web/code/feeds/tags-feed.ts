import { listTags } from '../../../browse/refs/tags.ts';
import { shortName } from '../../../browse/revision.ts';
import { sha256 } from '../../../lib/digest.ts';
import { isKnown } from '../../validators.ts';
import type { CodeDownload } from '../code-download.ts';
import { CodeLinks } from '../code-links.ts';
import { ATOM_TYPE, atomFeed } from './atom.ts';

/** Entries of the feed. */
const ENTRIES = 20;

/** The newest tags as a feed. A tag that is moved is a new entry. */
export const tagsFeed: CodeDownload = {
  word: 'tags',
  claims: (segments) => segments.length === 1 && segments[0]?.toString('latin1') === 'feed.atom',
  answer: async (c, { views, base }, { id, repository, published }) => {
    const links = new CodeLinks(base, id);
    const absolute = (path: string) => new URL(path, base).href;
    const headers = {
      'Content-Type': ATOM_TYPE,
      'Content-Security-Policy': "default-src 'none'; sandbox",
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'no-cache',
      // All refs may count, and where the links lead.
      ETag: `"${sha256(`${published.digest} ${base} ${links.repository}`).slice(0, 32)}"`,
    };
    if (isKnown(c, headers.ETag)) return c.body(null, 304, headers);
    const { tags } = await views.read(repository, published, c.req.raw.signal, (view) =>
      listTags(view, 'date', 0, ENTRIES),
    );
    const body = atomFeed({
      title: `Tags of ${id.identifier}`,
      page: absolute(`${links.repository}/tags`),
      self: absolute(`${links.repository}/tags/feed.atom`),
      entries: tags.map(({ ref, oid, peeled, commit }) => {
        const annotation = peeled?.tags[0]?.tag;
        const who = annotation?.tagger ?? commit?.commit.committer;
        const name = shortName(ref);
        return {
          url: absolute(links.at('tag', name)),
          version: oid,
          title: name,
          updated: who?.time ?? 0,
          author: who?.name || 'unknown',
          text: annotation?.message ?? commit?.commit.message ?? '',
        };
      }),
    });
    return c.body(body, 200, headers);
  },
};
