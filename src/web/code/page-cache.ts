import { sha256 } from '../../lib/digest.ts';
import { LruMap } from '../../lib/lru.ts';
import { SingleFlight } from '../../lib/single-flight.ts';

/** A page that was made. */
export interface MadePage {
  readonly body: string;
  /** A strong validator, in quotes. */
  readonly etag: string;
}

/**
 * Pages in memory. A page is a function of object ids and of what its key holds besides, so it is never out of date. Several
 * who ask for the same page share the work.
 */
export class PageCache {
  private readonly pages: LruMap<string, MadePage>;
  private readonly making = new SingleFlight<string, MadePage>();

  /** @param budget bytes */
  constructor(budget: number) {
    this.pages = new LruMap(budget);
  }

  /**
   * @param key everything that the page depends on
   * @param make makes the page; what it throws is not kept
   */
  async page(key: readonly unknown[], make: () => Promise<string>): Promise<MadePage> {
    const digest = sha256(JSON.stringify(key));
    const kept = this.pages.get(digest);
    if (kept !== undefined) return kept;
    return this.making.run(digest, async () => {
      const body = await make();
      const page = { body, etag: `"${sha256(body).slice(0, 32)}"` };
      // Strings of pages with other characters than Latin-1 take two bytes for each.
      this.pages.set(digest, page, 2 * body.length + 256);
      return page;
    });
  }
}
