import type { ObjectFormat } from '../../git/index.ts';
import type { Target, TargetListing } from './target.ts';

/** What runs use of a target. */
export type OpenedTarget = Pick<Target, 'listing' | 'relist' | 'prepare' | 'push'> & AsyncDisposable;

/** A target that is not there yet, for plans: an empty repository. Nothing can be pushed to it. */
export function absentTarget(objectFormat: ObjectFormat): OpenedTarget {
  const listing: TargetListing = {
    objectFormat,
    refs: new Map(),
    unusable: [],
    capabilities: [],
    canDelete: true,
    canReport: true,
    isAtomic: true,
  };
  return {
    listing,
    relist: async () => listing,
    prepare: () => undefined,
    push: () => Promise.reject(new Error('nothing is pushed to a repository that is not there')),
    [Symbol.asyncDispose]: async () => undefined,
  };
}
