import { CairnError } from './errors.ts';

/** The local disk, which holds the artifact cache and pushes on their way, is full. */
export class DiskFullError extends CairnError {
  /** @param purpose what the room was needed for, after "no disk space left" */
  constructor(
    purpose: 'to take in this push' | 'for this repository' | 'to put aside what slow clients send and take',
    cause: unknown,
  ) {
    const message = `the server has no disk space left ${purpose}`;
    super('unavailable', message, { cause, publicText: message });
  }
}
