import { CairnError, type ErrorKind } from '../../lib/errors.ts';
import { MethodNotAllowed } from './method-not-allowed.ts';

/** The HTTP status of each kind of error. */
export const STATUS_OF: Readonly<Record<ErrorKind, number>> = {
  'not-found': 404,
  unauthenticated: 401,
  forbidden: 403,
  conflict: 409,
  invalid: 400,
  'too-large': 413,
  busy: 503,
  unavailable: 503,
  corrupt: 500,
};

/** The HTTP status of anything thrown. */
export function statusOf(error: unknown): number {
  if (error instanceof MethodNotAllowed) return 405;
  return error instanceof CairnError ? STATUS_OF[error.kind] : 500;
}
