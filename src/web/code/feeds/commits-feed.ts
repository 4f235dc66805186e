import { listHistory } from '../../../browse/history.ts';
import { readCommitOf } from '../../../browse/objects.ts';
import { pathText } from '../../../browse/paths.ts';
import { readRevision } from '../../../browse/revision.ts';
import { splitMessage } from '../../../git/index.ts';
import { sha256 } from '../../../lib/digest.ts';
import { isKnown } from '../../validators.ts';
import type { CodeDownload } from '../code-download.ts';
import { CodeLinks } from '../code-links.ts';
import { ATOM_TYPE, atomFeed } from './atom.ts';

/** Entries of the feed. */
const ENTRIES = 30;

/**
 * The newest commits of a revision, or of a path in it, as a feed. Readers poll: a reader with the newest feed is
 * told so without git.
 */
export const commitsFeed: CodeDownload = {
  word: 'feed',
  answer: async (c, { views, base }, { id, repository, published }, segments) => {
    const { manifest } = published;
    const { name, oid, path } = readRevision(manifest, segments);
    const links = new CodeLinks(base, id);
    const absolute = (url: string) => new URL(url, base).href;
    const [self, page] = [links.at('feed', name, path), links.at('commits', name, path)].map(absolute);
    // The tip of the default branch has the mailmap, from which people have their names.
    const key = [self, oid, manifest.refs.get(manifest.head) ?? ''];
    const headers = {
      'Content-Type': ATOM_TYPE,
      'Content-Security-Policy': "default-src 'none'; sandbox",
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'no-cache',
      ETag: `"${sha256(JSON.stringify(key)).slice(0, 32)}"`,
    };
    if (isKnown(c, headers.ETag)) return c.body(null, 304, headers);
    const { commits } = await views.read(repository, published, c.req.raw.signal, async (view) => {
      const from = [(await readCommitOf(view, oid)).oid];
      return listHistory(view, { from, path, count: ENTRIES, skip: 0 });
    });
    const where = path.length === 0 ? '' : ` in ${pathText(path)}`;
    const body = atomFeed({
      title: `Commits of ${name}${where} · ${id.identifier}`,
      page: page ?? '',
      self: self ?? '',
      entries: commits.map((found) => ({
        url: absolute(links.commit(found.oid)),
        title: splitMessage(found.commit.message).subject || found.oid.slice(0, 10),
        updated: found.commit.committer.time,
        author: found.commit.author.name || found.commit.author.email || 'unknown',
        text: found.commit.message,
      })),
    });
    return c.body(body, 200, headers);
  },
};
