import type { ServerResponse } from 'node:http';
import { encodeErrorPacket, RequestRefusal } from '../../git/index.ts';
import { CairnError, type ErrorKind, isCairnError, publicTextOf } from '../../lib/errors.ts';
import { NO_CACHE } from '../git/git-output.ts';
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

/** The status of anything thrown. */
export function statusOf(error: unknown): number {
  if (error instanceof MethodNotAllowed) return 405;
  return error instanceof CairnError ? STATUS_OF[error.kind] : 500;
}

/**
 * Answers a git request with an error, before anything else was answered. Who has to say who he is gets both challenges:
 * git before 2.46 can answer Basic only.
 *
 * git shows the text of a failed `info/refs`, but of a failed POST only the status. Trouble on this side is therefore told
 * to upload-pack's clients in an ERR packet, which git does show, and so is what stock git may ask for and cannot have.
 * Overload is not: that is for programs, which wait and come back.
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
  const reason = publicTextOf(error);
  for (const [name, value] of Object.entries(NO_CACHE)) response.setHeader(name, value);
  const refused = error instanceof RequestRefusal;
  if (endpoint === 'git-upload-pack' && (refused || status === 500 || isCairnError(error, 'unavailable'))) {
    response.setHeader('Content-Type', 'application/x-git-upload-pack-result');
    response.end(encodeErrorPacket(refused ? reason : `${reason} (request ${requestId})`));
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
