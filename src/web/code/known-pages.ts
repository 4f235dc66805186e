import { LruMap } from '../../lib/lru.ts';
import type { CodePath } from './code-path.ts';

/** Bytes of remembered URLs and what their pages were made from, about. */
const REMEMBERED = 2 * 1024 * 1024;
const OVERHEAD = 300;
/** Bytes that each segment of a path takes. */
const SEGMENT_BYTES = 200;

/** A page that was asked for. */
export interface KnownPage {
  /** What its URL says. */
  readonly path: CodePath;
  /** What its key depends on besides the URL. */
  readonly facts: string;
  /** Under which it is kept. */
  readonly key: string;
}

/**
 * Under which keys the pages of URLs are kept. The same URL, asked for in the same state by a visitor with the same view of it, has
 * the same page: its question need not be read again.
 */
export class KnownPages {
  private readonly known = new LruMap<string, KnownPage>(REMEMBERED);

  /**
   * @param url the whole URL of a request, and how the page is sent
   * @returns the page that it had when it was last asked for; it is still the same if its facts are
   */
  get(url: string): KnownPage | undefined {
    return this.known.get(url);
  }

  remember(url: string, page: KnownPage): void {
    const bytes = url.length + page.facts.length + SEGMENT_BYTES * page.path.segments.length + OVERHEAD;
    this.known.set(url, page, bytes);
  }
}
