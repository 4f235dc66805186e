/**
 * The few kinds of error in Cairn. A kind tells the caller what to do; each dialect
 * (git, JSON, page, relay) translates kinds once, in one file of its own.
 *
 * - `not-found`        the thing named does not exist
 * - `unauthenticated`  say who you are and try again
 * - `forbidden`        you are known, and may not
 * - `conflict`         somebody else was first; look again and retry
 * - `invalid`          the request itself is wrong; the same request will fail again
 * - `too-large`        a limit was exceeded
 * - `busy`             the server has too much to do; retry later
 * - `unavailable`      something the server needs (store, disk, git) did not answer or work
 * - `corrupt`          stored data is not what its digest or its pointer promised
 */
export type ErrorKind =
  | 'not-found'
  | 'unauthenticated'
  | 'forbidden'
  | 'conflict'
  | 'invalid'
  | 'too-large'
  | 'busy'
  | 'unavailable'
  | 'corrupt';

/** An error whose message a person may read: it names the thing at fault and never a secret. */
export class CairnError extends Error {
  override readonly name = 'CairnError';
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.kind = kind;
  }
}

/** True when `error` is a {@link CairnError}, of the given kind if one is named. */
export function isCairnError(error: unknown, kind?: ErrorKind): error is CairnError {
  return error instanceof CairnError && (kind === undefined || error.kind === kind);
}

/** The message of anything thrown, for logs and for reasons shown to a user. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message || error.name;
  return String(error);
}

/** The `code` of a Node system error (`ENOENT`, `ENOSPC`, …), or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}
