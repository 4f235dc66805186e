import { findNearest, type NearestEntry } from '../../../browse/find-nearest.ts';
import { hasHistory } from '../../../browse/history.ts';
import { type Revision, readRevision } from '../../../browse/revision.ts';
import { CairnError } from '../../../lib/errors.ts';
import type { PageWord } from '../../../nostr/repository-url.ts';
import type { CodeDownload } from '../code-download.ts';
import { CodeLinks } from '../code-links.ts';
import { PATH_PAGES } from '../kept-place.ts';

/**
 * Sends a visitor who looks at a path to the same page of another revision: `switch/<page>/<revision>/<path>`. Where that path
 * does not exist, it leads to the nearest folder above. Refs move, so the answer is not kept.
 */
export const switchRedirect: CodeDownload = {
  word: 'switch',
  answer: async (c, { views, base }, { id, repository, published }, [first, ...rest]) => {
    const wanted = PATH_PAGES.find((word) => word === first?.toString('latin1'));
    if (wanted === undefined) throw new CairnError('not-found', 'there is no such page');
    const at = readRevision(published.manifest, rest);
    const nearest = await views.read(repository, published, c.req.raw.signal, (view) =>
      findNearest(view, at),
    );
    c.header('Cache-Control', 'no-cache');
    return c.redirect(placeOf(new CodeLinks(base, id), wanted, at, nearest), 302);
  },
};

function placeOf(
  links: CodeLinks,
  wanted: PageWord,
  { name, ref, path }: Revision,
  { kind, depth, isCommit }: NearestEntry,
): string {
  // Only a tag stands for a single file, and its page says so.
  if (kind === 'object') {
    return ref?.startsWith('refs/tags/') === true
      ? links.at('tag', ref.slice('refs/tags/'.length))
      : links.repository;
  }
  const isFolder = kind === 'folder';
  const isThere = depth === path.length;
  const shown = path.slice(0, isThere || isFolder ? depth : depth - 1);
  if (wanted === 'commits' && isCommit && hasHistory(shown)) return links.at('commits', name, shown);
  if (isFolder || !isThere) return links.at('tree', name, shown);
  const isText = kind === 'file' || kind === 'executable';
  return links.at(wanted === 'blame' && isText && isCommit ? 'blame' : 'file', name, shown);
}
