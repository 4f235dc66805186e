import type { ConformanceCase } from './conformance-check.ts';
import { conditionCases } from './conformance-conditions.ts';
import { contentCases } from './conformance-content.ts';
import { raceCases } from './conformance-races.ts';

export { type ConformanceCase, ConformanceError, type ConformanceStores } from './conformance-check.ts';

/**
 * The contract of `object-store.ts` as cases. Tests run them over every implementation and wrapper. The probe runs
 * the cheap ones over an operator's own bucket.
 */
export const conformanceCases: readonly ConformanceCase[] = [
  ...conditionCases,
  ...contentCases,
  ...raceCases,
];
