import { CairnError, systemCode } from './errors.ts';

/** True for an error of the system that says that there is no room: on the disk, or in the quota of this process's user. */
export function isDiskFull(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** The local disk, which holds the artifact cache and incoming pushes, is full. */
export class DiskFullError extends CairnError {
  /** @param purpose what the space was needed for; follows "no disk space left" */
  constructor(
    purpose:
      | 'to take in this push'
      | 'for this repository'
      | 'for large files'
      | 'to spool what slow clients send and receive',
    cause: unknown,
  ) {
    const message = `the server has no disk space left ${purpose}`;
    super('unavailable', message, { cause, publicText: message });
  }
}
