import { join } from 'node:path';
import type { Settings } from '../config/settings.ts';
import { PageDisk } from '../web/code/page-disk.ts';

/** Bytes of pages on disk, compressed: some 50,000 of them. */
const PAGES_ON_DISK = 256 * 1024 * 1024;

/** Pages of code in the cache folder. */
export function pageDisk({ cache }: Pick<Settings, 'cache'>): PageDisk {
  return new PageDisk({ folder: join(cache.folder, 'pages'), budget: PAGES_ON_DISK });
}
