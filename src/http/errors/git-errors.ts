/** Errors as git's clients read them. */
import type { ServerResponse } from 'node:http';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context } from 'hono';
import { encodeErrorPacket, RequestRefusal } from '../../git/index.ts';
import { isCairnError, messageOf, publicTextOf } from '../../lib/errors.ts';
import type { Logger } from '../../observability/logger.ts';
import { NO_CACHE } from '../git/git-output.ts';
import type { GitEnv } from '../http-env.ts';
import { MethodNotAllowed } from './method-not-allowed.ts';
import { statusOf } from './status.ts';

/** Seconds after which a client that was refused for overload may come back. */
const RETRY_AFTER_SECONDS = '5';

/**
 * Logs what went wrong with a git request, and answers it if no answer has begun. One that has is broken off.
 * @param realm what credentials are good for: the public base URL
 */
export function gitErrors(log: Logger, realm: string): (error: unknown, c: Context<GitEnv>) => Response {
  return (error, c) => {
    const { incoming, outgoing, git } = c.env;
    const requestId = c.get('requestId');
    const client = c.get('client').address;
    const signal = c.get('signal');
    if (signal.aborted) {
      log.info({ requestId, client, reason: messageOf(signal.reason) }, 'request broken off');
      outgoing.destroy();
      return RESPONSE_ALREADY_SENT;
    }
    const about = { requestId, client, method: incoming.method, path: incoming.url };
    const status = statusOf(error);
    if (isCairnError(error) && status < 500) {
      // A client that has to say who it is, or that asks for what it cannot have: nothing of ours went wrong.
      log.info({ ...about, kind: error.kind, reason: error.message }, 'git request refused');
    } else {
      log[status === 503 ? 'warn' : 'error']({ ...about, err: error }, 'git request failed');
    }
    if (outgoing.headersSent) {
      // Too late for a reason: an answer that breaks off is at least not taken for a whole one.
      outgoing.destroy();
      return RESPONSE_ALREADY_SENT;
    }
    // Nobody reads what is still coming; the connection cannot be used again before it has come.
    if (!incoming.complete) outgoing.setHeader('Connection', 'close');
    sendGitError(outgoing, error, git.endpoint, requestId, realm);
    incoming.resume();
    return RESPONSE_ALREADY_SENT;
  };
}

/**
 * Answers a git request with an error, before anything else was answered. A 401 carries both challenges, because git before 2.46 can
 * answer Basic only.
 *
 * git shows the text of a failed `info/refs`, but of a failed POST only the status. So
 * upload-pack's clients get trouble of this server in an ERR packet, which git shows, and likewise what stock git may ask for and cannot
 * have. Overload stays a status: it is for programs, which wait and come back.
 */
function sendGitError(
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
