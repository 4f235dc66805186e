import type { ServerResponse } from 'node:http';
import { encodeErrorPacket } from '../git/index.ts';
import { DiskFullError } from '../lib/disk-full.ts';
import { CairnError, type ErrorKind } from '../lib/errors.ts';
import { MethodNotAllowed } from './method-not-allowed.ts';

/** The status of each kind of error. */
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

/** Seconds after which a client that was refused for overload may come back. */
const RETRY_AFTER_SECONDS = '5';

/** What a user may read of an error: reasons made for people as they are, surprises only as such. */
export function publicReason(error: unknown): string {
  return error instanceof CairnError ? error.message : 'internal error';
}

/** The status of anything thrown. */
export function statusOf(error: unknown): number {
  if (error instanceof MethodNotAllowed) return 405;
  return error instanceof CairnError ? STATUS_OF[error.kind] : 500;
}

/**
 * Answers a git request with an error, before anything else was answered. Who has to say who he is gets both challenges:
 * git before 2.46 can answer Basic only.
 *
 * git shows the text of a failed `info/refs`, but of a failed POST only the status: damage and a full disk, which a
 * user cannot mend by trying again and has to tell somebody about, are therefore told to upload-pack's clients in an
 * ERR packet, which git does show.
 *
 * @param realm what credentials are good for: the public base URL
 */
export function sendGitError(
  response: ServerResponse,
  error: unknown,
  endpoint: string,
  requestId: string,
  realm: string,
): void {
  const status = statusOf(error);
  const reason = publicReason(error);
  response.setHeader('Cache-Control', 'no-cache');
  if ((status === 500 || error instanceof DiskFullError) && endpoint === 'git-upload-pack') {
    response.setHeader('Content-Type', 'application/x-git-upload-pack-result');
    response.end(encodeErrorPacket(`${reason} (request ${requestId})`));
    return;
  }
  response.statusCode = status;
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  if (status === 401) {
    response.setHeader('WWW-Authenticate', [`Nostr realm="${realm}"`, `Basic realm="${realm}"`]);
  }
  if (error instanceof MethodNotAllowed) response.setHeader('Allow', error.allowed);
  if (status === 503) response.setHeader('Retry-After', RETRY_AFTER_SECONDS);
  response.end(status >= 500 ? `${reason} (request ${requestId})\n` : `${reason}\n`);
}
