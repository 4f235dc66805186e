import { CairnError, messageOf } from '../lib/errors.ts';
import { localProblem } from '../lib/system-error.ts';
import { StoreUntriedError } from '../object-store/probe/probe-error.ts';
import { ExitError } from './exit-error.ts';
import { printable } from './printable.ts';

/** `EX_TEMPFAIL` of sysexits.h, for supervisors: the object store could not be tried, so a later start may succeed. */
const TRY_AGAIN = 75;

/** How the program ends. */
export interface ProgramEnd {
  readonly exitCode: number;
  /** For standard error; empty when there is nothing to say. */
  readonly words: string;
}

/** How the program ends after a command threw: errors of Cairn in one line, all others with the place they come from. */
export function programEnd(thrown: unknown): ProgramEnd {
  // A full disk is not a fault of the program: a stack would not help.
  const error = localProblem(thrown) ?? thrown;
  const reason =
    error instanceof CairnError ? error.message : error instanceof Error ? error.stack : messageOf(error);
  return { exitCode: exitCodeOf(error), words: reason === '' ? '' : `cairn: ${printable(reason ?? '')}\n` };
}

function exitCodeOf(error: unknown): number {
  if (error instanceof ExitError) return error.exitCode;
  return error instanceof StoreUntriedError ? TRY_AGAIN : 1;
}
