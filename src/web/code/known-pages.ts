import { LruMap } from '../../lib/lru.ts';

/** Bytes of remembered URLs and what their pages were made from, about. */
const REMEMBERED = 2 * 1024 * 1024;
const OVERHEAD = 300;

/**
 * Under which keys the pages of URLs are kept. The same URL, asked for in the same state by a visitor with the same view of it, has
 * the same page: its question need not be read again.
 */
export class KnownPages {
  private readonly known = new LruMap<string, { readonly facts: string; readonly key: string }>(REMEMBERED);

  /**
   * @param url the path and query of a request, and how the page is sent
   * @param facts what else its key depends on
   * @returns the key; undefined if the page was not asked for since they changed
   */
  keyOf(url: string, facts: string): string | undefined {
    const known = this.known.get(url);
    return known?.facts === facts ? known.key : undefined;
  }

  remember(url: string, facts: string, key: string): void {
    this.known.set(url, { facts, key }, url.length + facts.length + OVERHEAD);
  }
}
