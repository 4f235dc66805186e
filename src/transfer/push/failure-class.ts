import { GitRefusal } from '../../git-process/refusal.ts';
import { type ErrorKind, isCairnError } from '../../lib/errors.ts';
import type { RefusalClass } from '../../policy/refusal.ts';
import { LimitUsedUp } from './used-up.ts';

const CLASS_OF: Readonly<Record<ErrorKind, RefusalClass>> = {
  'not-found': 'identity',
  unauthenticated: 'identity',
  forbidden: 'identity',
  conflict: 'overtaken',
  invalid: 'pack',
  'too-large': 'limit',
  busy: 'busy',
  unavailable: 'server',
  corrupt: 'server',
};

/** The class of the refusals with which a push ends because of an error. */
export function failureClass(error: unknown): RefusalClass {
  if (error instanceof LimitUsedUp) return 'limit';
  if (!isCairnError(error)) return 'server';
  // Stored data may be sound: git could not work with what the push brought.
  if (error instanceof GitRefusal && error.kind === 'corrupt') return 'pack';
  return CLASS_OF[error.kind];
}
