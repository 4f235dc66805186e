import { becauseOf, CairnError, systemCode } from './errors.ts';

/** True for an error of the system that says that there is no room: on the disk, or in the quota of this process's user. */
export function isDiskFull(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** What the space of the local disk is needed for; follows "no disk space left". */
type DiskPurpose =
  | 'to take in this push'
  | 'for this repository'
  | 'for large files'
  | 'to spool what slow clients send and receive';

/** The local disk, which holds the artifact cache and incoming pushes, is full. */
export class DiskFullError extends CairnError {
  constructor(purpose: DiskPurpose, cause: unknown) {
    const message = `the server has no disk space left ${purpose}`;
    super('unavailable', message, { cause, publicText: message });
  }
}

/**
 * Why the local disk has refused something.
 * @param error of the system
 * @param what cannot be done; it must name no internals
 * @returns DiskFullError if the disk is full; CairnError `unavailable` otherwise
 */
export function diskFault(error: unknown, purpose: DiskPurpose, what: string): CairnError {
  return isDiskFull(error) ? new DiskFullError(purpose, error) : becauseOf('unavailable', what, error);
}
