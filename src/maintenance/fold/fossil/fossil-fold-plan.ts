/**
 * Decides which packs of a Fossil repository to fold. A pure function.
 *
 * Packs accumulate until sixteen have not been folded. Then they become one, together with each pack before them that is less than
 * twice as large as the sum so far. So an artifact is copied O(log n) times in n publishes, and there are never more packs than
 * sixteen plus the logarithm of the bytes.
 */
import type { FossilPack } from '../../../repository/fossil/fossil-manifest.ts';

/** The number of unfolded packs that triggers a fold. */
export const FOSSIL_PACKS_GATHERED = 16;

const FACTOR = 2;

/** Largest pack that a fold makes, in bytes; offsets in packs have four bytes. */
const LARGEST = 2 ** 32 - 2 ** 28;

/** Packs that follow each other, from one position to before another one. */
export interface FossilFoldRun {
  readonly from: number;
  readonly to: number;
}

/**
 * What to fold.
 * @param mode `due`: only if it is worth it. `full`: everything
 * @returns undefined if there is nothing to fold
 */
export function fossilFoldPlan(
  packs: readonly FossilPack[],
  mode: 'due' | 'full',
): FossilFoldRun | undefined {
  const unfolded = packs.filter(({ kind }) => kind !== 'fold').length;
  if (mode === 'due' && unfolded < FOSSIL_PACKS_GATHERED) return undefined;
  let from = packs.length;
  let sum = 0;
  // Packs stay in their order, since of two records of an artifact the first counts.
  for (let at = packs.length - 1; at >= 0; at--) {
    const { kind, pack } = packs[at] ?? {};
    if (pack === undefined || sum + pack.size > LARGEST) break;
    if (mode === 'due' && kind === 'fold' && pack.size >= FACTOR * sum) break;
    sum += pack.size;
    from = at;
  }
  const isOneFold = packs.length - from === 1 && packs[from]?.kind === 'fold' && mode === 'due';
  return packs.length - from === 0 || isOneFold ? undefined : { from, to: packs.length };
}
