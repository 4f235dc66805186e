import type { GitObserver } from './git-process/git.ts';
import type { Metrics } from './observability/metrics.ts';
import type { CacheObserver } from './repository/artifact-cache.ts';
import type { PublishObserver } from './repository/publisher.ts';

/** Joins what modules report about themselves to the metrics; modules know only their own small interfaces. */

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

export function publishObserver(metrics: Metrics): PublishObserver {
  return {
    ended: (outcome, changes) => {
      metrics.publishes.inc({ outcome });
      metrics.publishedChanges.inc({ outcome }, changes);
    },
    rebased: () => metrics.rebases.inc(),
  };
}
