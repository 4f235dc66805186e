import type { Clock } from '../../lib/clock.ts';
import { sha256 } from '../../lib/digest.ts';
import { LruMap } from '../../lib/lru.ts';
import { SingleFlight } from '../../lib/single-flight.ts';
import { MadePage } from '../made-page.ts';
import type { PageDisk } from './page-disk.ts';

/**
 * Milliseconds for which a page is kept that a limit of time has cut short, or of which a part could not be read. The server may have been
 * busy, so that it is made again; for a page that always takes too long, that is bounded.
 */
const CUT_KEPT = 60_000;
/** Bytes for its keys, digests and objects that a page takes in memory, beside its body. */
const OVERHEAD = 512;

/** The key of a page. @param parts everything that it depends on */
export function pageKey(parts: readonly unknown[]): string {
  return sha256(JSON.stringify(parts));
}

/**
 * Pages in memory, and behind them on disk. A page is a function of object ids and of what its key holds besides, so it is
 * never out of date. Several who ask for the same page share the work.
 */
export class PageCache {
  private readonly pages: LruMap<string, { readonly page: MadePage; readonly until: number }>;
  private readonly clock: Clock;
  private readonly disk: PageDisk | undefined;
  private readonly making = new SingleFlight<string, MadePage>();

  /** @param budget bytes in memory @param disk absent: pages that leave the memory are made again */
  constructor(budget: number, clock: Clock, disk?: PageDisk) {
    this.pages = new LruMap(budget);
    this.clock = clock;
    this.disk = disk;
  }

  /** A page that is in memory. */
  kept(key: string): MadePage | undefined {
    const kept = this.pages.get(key);
    return kept !== undefined && kept.until > this.clock.monotonic() ? kept.page : undefined;
  }

  /**
   * @param key of {@link pageKey}
   * @param make makes the page, and calls `onCut` if it may be more complete later: see {@link RepositoryView.onCut}; what it throws is not kept
   */
  async page(key: string, make: (onCut: () => void) => Promise<string>): Promise<MadePage> {
    const kept = this.kept(key);
    if (kept !== undefined) return kept;
    return this.making.run(key, async () => {
      const written = await this.disk?.read(key);
      if (written !== undefined) return this.keep(key, written, Number.POSITIVE_INFINITY);
      let isWhole = true;
      const body = await make(() => {
        isWhole = false;
      });
      const page = new MadePage(Buffer.from(body));
      if (!isWhole) return this.keep(key, page, this.clock.monotonic() + CUT_KEPT);
      // The response does not wait for the disk.
      this.disk?.write(key, page);
      return this.keep(key, page, Number.POSITIVE_INFINITY);
    });
  }

  /** @param until milliseconds of the clock */
  private keep(key: string, page: MadePage, until: number): MadePage {
    // Compressed, it takes about a fifth more.
    this.pages.set(key, { page, until }, Math.ceil(1.2 * page.body.length) + OVERHEAD);
    return page;
  }
}
