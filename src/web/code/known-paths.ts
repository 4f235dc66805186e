import { LruMap } from '../../lib/lru.ts';
import { readPagePath } from '../page-path.ts';
import { type CodePath, readCodePath } from './code-path.ts';

/** Bytes of remembered paths and what they mean, about. */
const REMEMBERED = 1024 * 1024;
/** Bytes that a path takes beside its text, and each segment. */
const PATH_BYTES = 500;
const SEGMENT_BYTES = 200;

/** Reads the paths of pages of code. Those that were read last are remembered, because visitors ask for the same pages. */
export class KnownPaths {
  private readonly known = new LruMap<string, CodePath>(REMEMBERED);

  /**
   * Parses the path of a page about a repository, or of the repository itself.
   * @param pathname the raw path
   * @returns undefined if it is neither
   */
  read(pathname: string): CodePath | undefined {
    const known = this.known.get(pathname);
    if (known !== undefined) return known;
    const path = readCodePath(pathname) ?? readOverviewPath(pathname);
    if (path !== undefined) {
      this.known.set(pathname, path, pathname.length + PATH_BYTES + SEGMENT_BYTES * path.segments.length);
    }
    return path;
  }
}

function readOverviewPath(pathname: string): CodePath | undefined {
  const id = readPagePath(pathname);
  return id === undefined ? undefined : { id, word: '', segments: [] };
}
