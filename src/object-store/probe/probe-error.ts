import { CairnError, messageOf } from '../../lib/errors.ts';
import type { ProbeReport } from './probe.ts';

/** A store that broke a promise and must not hold repositories. Only another store helps. */
export class StoreBrokenError extends CairnError {
  constructor(message: string) {
    super('unavailable', message);
  }
}

/** The probe could not test the store: no connection, no answer, or no access. Retry, or correct the settings. */
export class StoreUntriedError extends CairnError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('unavailable', message, options);
  }
}

/** The error to throw after a failed probe. */
export function probeError({ store, failure }: ProbeReport): CairnError {
  if (failure === undefined) throw new TypeError('a probe that passed has no error');
  const { phase, round, reason } = failure;
  const where = round === null ? phase : `${phase}, round ${round}`;
  if (failure.is === 'untried') return untried(store, reason, where);
  return new StoreBrokenError(
    `the object store ${store} broke a promise and cannot be trusted with repositories (${where}): ${reason}`,
  );
}

/** The error of a store that could not be tried. @param error the exception, or the reason in words */
export function untried(store: string, error: unknown, where?: string): StoreUntriedError {
  const at = where === undefined ? '' : ` (${where})`;
  return new StoreUntriedError(
    `the object store ${store} could not be tried${at}; check the settings, or try again: ${messageOf(error)}`,
    { cause: error },
  );
}
