import type { Outcome } from '../../mirror/run/mirror-result.ts';
import { ExitError } from '../exit-error.ts';

/** Exit codes of `cairn mirror` and `cairn import`. 1 is left for faults of Cairn itself. */
export const EXIT_CODES: Readonly<Record<Outcome, number>> = {
  ok: 0,
  blocked: 2,
  partial: 3,
  moved: 4,
  configuration: 5,
  transport: 6,
  interrupted: 130,
};

/** Ends the program as a run has ended. @throws ExitError unless all is well */
export function exitAs(outcome: Outcome, problem: string | undefined): void {
  if (outcome !== 'ok') throw new ExitError(EXIT_CODES[outcome], problem ?? outcome);
}
