import { join } from 'node:path';
import { ReflessFolders } from '../browse/downloads/refless-folder.ts';
import type { RepositoryViews } from '../browse/repository-views.ts';
import type { Settings } from '../config/settings.ts';
import type { Metrics } from '../observability/metrics.ts';
import { ResponseCache } from '../transfer/fetch/response-cache.ts';
import { KeptDownloads } from '../web/code/downloads/kept-downloads.ts';

type CacheSettings = Pick<Settings, 'cache'>;

/** The cache of archives and of large files, in the cache folder. It is apart from that of git's answers: crawlers fill it. */
export function downloadCache({ cache }: CacheSettings, metrics: Metrics): ResponseCache {
  return new ResponseCache({
    folder: join(cache.folder, 'downloads'),
    budget: cache.downloads,
    observer: { answered: () => undefined, holds: (bytes) => metrics.downloadBytes.set(bytes) },
    recordsFirst: true,
  });
}

/** Composes what sends archives and large files. */
export function openDownloads(
  { cache: { folder } }: CacheSettings,
  cache: ResponseCache,
  views: RepositoryViews,
): KeptDownloads {
  return new KeptDownloads({ views, cache, refless: new ReflessFolders(join(folder, 'refless')) });
}
