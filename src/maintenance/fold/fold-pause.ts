/** How long a repository whose fold failed is left alone. */
import { CairnError } from '../../lib/errors.ts';

/** Milliseconds before a failed fold is tried again; doubled at each failure. */
const FIRST_MS = 60_000;
/** The same for a fold that will fail again until the repository changes. */
const FIRST_LASTING_MS = 6 * 3_600_000;
const LONGEST_MS = 86_400_000;

/**
 * Milliseconds before a failed fold is tried again.
 * @param lasting whether the fold will fail again until the repository changes
 * @param before the pause after the failure before this one; absent for a first failure
 */
export function foldPause(lasting: boolean, before = 0): number {
  return Math.min(LONGEST_MS, Math.max(lasting ? FIRST_LASTING_MS : FIRST_MS, 2 * before));
}

/** Whether the same repository will fail again. */
export function isLastingFailure(error: unknown): boolean {
  return error instanceof CairnError && (error.kind === 'too-large' || error.kind === 'corrupt');
}
