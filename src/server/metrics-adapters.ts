import { statfs } from 'node:fs/promises';
import { observerOf, type SyncObserver } from '../fossil-sync/observer.ts';
import type { GitObserver } from '../git-process/git.ts';
import type { FoldObserver } from '../maintenance/fold/folding.ts';
import type { MirrorSummary } from '../mirror/kept/known-mirrors.ts';
import type { MirrorObserver } from '../mirror/kept/mirror-scheduler.ts';
import type { ObjectStorePair } from '../object-store/object-store.ts';
import { type StoreObserver, withMetrics } from '../object-store/with-metrics.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Publication } from '../relay/publication.ts';
import type { CacheObserver } from '../repository/cache/artifact-cache.ts';
import type { PublishObserver } from '../repository/publisher.ts';
import type { ResponseObserver } from '../transfer/fetch/response-cache.ts';
import type { FetchObserver } from '../transfer/fetch/serve-fetch.ts';

/** Adapters from the observer interfaces of modules to the metrics. The modules know only their own small interfaces. */

export function gitObserver(metrics: Metrics): GitObserver {
  return {
    started: (command) => metrics.gitStarted.inc({ command }),
    ended: (command, seconds, ok) => {
      metrics.gitSeconds.observe({ command }, seconds);
      if (!ok) metrics.gitFailed.inc({ command });
    },
  };
}

export function cacheObserver(metrics: Metrics): CacheObserver {
  return { looked: (hit) => metrics.cacheLooks.inc({ result: hit ? 'hit' : 'miss' }) };
}

export function fetchObserver(metrics: Metrics): FetchObserver {
  return {
    answered: (by) => metrics.fetchAnswers.inc({ by }),
  };
}

export function foldObserver(metrics: Metrics): FoldObserver {
  return {
    ended: (outcome, seconds) => {
      metrics.folds.inc({ outcome });
      metrics.foldSeconds.observe({ outcome }, seconds);
    },
  };
}

export function mirrorObserver(metrics: Metrics): MirrorObserver {
  return {
    ended: (direction, outcome, seconds) => {
      metrics.mirrorRuns.inc({ direction, outcome });
      metrics.mirrorSeconds.observe({ direction, outcome }, seconds);
    },
  };
}

/** Counts the requests of Fossil clients. */
export function fossilObserver(metrics: Metrics, log: Logger): SyncObserver {
  return observerOf({
    requestCompleted: ({ operation, error, filesReceived, filesSent, requestBytes, replyBytes }) => {
      metrics.fossilRequests.inc({ operation, outcome: error === undefined ? 'answered' : 'refused' });
      metrics.fossilArtifacts.inc({ direction: 'received' }, filesReceived);
      metrics.fossilArtifacts.inc({ direction: 'sent' }, filesSent);
      metrics.fossilBytes.inc({ direction: 'received' }, requestBytes);
      metrics.fossilBytes.inc({ direction: 'sent' }, replyBytes);
    },
    error: (error) => log.error({ err: error }, 'fossil request failed'),
  });
}

/** Sets the gauges of mirrors at each scrape. */
export function readMirrorGauges(
  metrics: Metrics,
  summary: (direction: 'pull' | 'push') => MirrorSummary,
): void {
  metrics.beforeScrape(() => {
    for (const direction of ['pull', 'push'] as const) {
      const { conditions, lag } = summary(direction);
      for (const [condition, count] of Object.entries(conditions)) {
        metrics.mirrors.set({ direction, condition }, count);
      }
      metrics.mirrorLag.set({ direction }, lag);
    }
  });
}

export function answerObserver(metrics: Metrics): ResponseObserver {
  return {
    answered: (how) => metrics.repeatedAnswers.inc({ result: how }),
    holds: (bytes) => metrics.answerBytes.set(bytes),
  };
}

export function publishObserver(metrics: Metrics): PublishObserver {
  return {
    ended: (outcome, changes) => {
      metrics.publishes.inc({ outcome });
      metrics.publishedChanges.inc({ outcome }, changes);
    },
    rebased: () => metrics.rebases.inc(),
  };
}

/** Wraps a publication and counts its answers: `accepted`, or the prefix of the refusal. */
export function observePublication(publication: Publication, metrics: Metrics): Publication {
  return {
    publish: async (event, sender, address) => {
      const verdict = await publication.publish(event, sender, address);
      const [prefix = ''] = verdict.note.split(':');
      metrics.relayEvents.inc({ answer: prefix === '' ? 'accepted' : prefix });
      return verdict;
    },
  };
}

/** Wraps a pair of stores and counts its requests. */
export function observeStores(stores: ObjectStorePair, metrics: Metrics): ObjectStorePair {
  const observer: StoreObserver = {
    answered: (traffic, operation, outcome, seconds) => {
      metrics.storeRequests.inc({ traffic, operation, outcome });
      metrics.storeSeconds.observe({ traffic, operation }, seconds);
    },
    moved: (traffic, operation, bytes) => metrics.storeBytes.inc({ traffic, operation }, bytes),
  };
  return {
    ...stores,
    control: withMetrics(stores.control, 'control', observer),
    bulk: withMetrics(stores.bulk, 'bulk', observer),
  };
}

/** The sources of the gauges, read right before each scrape. */
export interface Gauges {
  readonly version: string;
  readonly git: string;
  readonly cacheFolder: string;
  readonly cacheBytes: () => number;
  /** Repositories announced here. */
  readonly repositories: () => number;
  /** Length of each queue. */
  readonly queues: Readonly<Record<'git' | 'folds', () => number>>;
}

/** Sets the gauges at each scrape. It sends no request to the object store and iterates over nothing large. */
export function readGauges(metrics: Metrics, gauges: Gauges): void {
  const { version, git, cacheFolder, cacheBytes, repositories, queues } = gauges;
  metrics.buildInfo.set({ version, git, node: process.versions.node }, 1);
  metrics.beforeScrape(async () => {
    metrics.cacheBytes.set(cacheBytes());
    metrics.repositories.set(repositories());
    for (const [queue, length] of Object.entries(queues)) metrics.queued.set({ queue }, length());
    // A disk whose free space cannot be read counts as full.
    const disk = await statfs(cacheFolder).catch(() => ({ bavail: 0, bsize: 0 }));
    metrics.diskFree.set(disk.bavail * disk.bsize);
  });
}
