import type { ConformanceStores } from './conformance-check.ts';
import { conditionCases } from './conformance-conditions.ts';
import { contentCases } from './conformance-content.ts';
import { raceCases } from './conformance-races.ts';

/**
 * What a case costs beyond a few small requests: `many-keys` and `many-writes` take minutes on a far or throttled
 * store, `large-body` moves more than 64 MiB, `early-end` opens many bodies at once.
 */
export type ConformanceCost = 'many-keys' | 'many-writes' | 'large-body' | 'early-end';

/** One promise of the contract, shown on a real store. `run` rejects when the store breaks it. */
export interface ConformanceCase {
  readonly name: string;
  readonly cost?: ConformanceCost;
  run(stores: ConformanceStores): Promise<void>;
}

export { ConformanceError, type ConformanceStores } from './conformance-check.ts';

/**
 * The contract of `object-store.ts` as cases. Tests run them over every implementation and wrapper; the probe runs
 * those without a cost over an operator's own bucket.
 */
export const conformanceCases: readonly ConformanceCase[] = [
  ...conditionCases,
  ...contentCases,
  ...raceCases,
];
