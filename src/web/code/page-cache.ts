import { sha256 } from '../../lib/digest.ts';
import { LruMap } from '../../lib/lru.ts';
import { SingleFlight } from '../../lib/single-flight.ts';
import { MadePage } from '../made-page.ts';
import type { PageDisk } from './page-disk.ts';

/** Bytes for its keys, digests and objects that a page takes in memory, beside its body. */
const OVERHEAD = 512;

/**
 * Pages in memory, and behind them on disk. A page is a function of object ids and of what its key holds besides, so it is
 * never out of date. Several who ask for the same page share the work.
 */
export class PageCache {
  private readonly pages: LruMap<string, MadePage>;
  private readonly disk: PageDisk | undefined;
  private readonly making = new SingleFlight<string, MadePage>();

  /** @param budget bytes in memory @param disk absent: pages that leave the memory are made again */
  constructor(budget: number, disk?: PageDisk) {
    this.pages = new LruMap(budget);
    this.disk = disk;
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
      const page = (await this.disk?.read(digest)) ?? (await this.make(digest, make));
      // Compressed, it takes about a fifth more.
      this.pages.set(digest, page, Math.ceil(1.2 * page.body.length) + OVERHEAD);
      return page;
    });
  }

  private async make(digest: string, make: () => Promise<string>): Promise<MadePage> {
    const page = new MadePage(Buffer.from(await make()));
    // Nobody waits for the disk.
    this.disk?.write(digest, page);
    return page;
  }
}
