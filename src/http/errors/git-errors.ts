/** Errors in the form that git clients read. */
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

/** Seconds after which a client that was refused because of overload may try again. */
const RETRY_AFTER_SECONDS = '5';

/**
 * Logs the error of a git request, and answers with it. If a response has begun already, its connection is cut.
 * @param realm the realm of the challenges: the public base URL
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
      // The client has to authenticate, or asks for something it cannot have: not a failure of the server.
      log.info({ ...about, kind: error.kind, reason: error.message }, 'git request refused');
    } else if (isCairnError(error, 'busy')) {
      // One client can cause very many of these: without a stack.
      log.warn({ ...about, kind: error.kind, reason: error.message }, 'git request refused');
    } else {
      log[status === 503 ? 'warn' : 'error']({ ...about, err: error }, 'git request failed');
    }
    if (outgoing.headersSent) {
      // It is too late for a reason. The client sees at least that the response is not complete.
      outgoing.destroy();
      return RESPONSE_ALREADY_SENT;
    }
    // Nobody reads the rest of the request, and the connection cannot be used again before it has arrived.
    if (!incoming.complete) outgoing.setHeader('Connection', 'close');
    sendGitError(outgoing, error, git.endpoint, requestId, realm);
    incoming.resume();
    return RESPONSE_ALREADY_SENT;
  };
}

/**
 * Answers a git request with an error, if no response has begun. A 401 carries both challenges, because git before 2.46 knows
 * only Basic.
 *
 * git shows the text of a failed `info/refs`, but only the status of a failed POST. So clients of upload-pack get errors of the
 * server, and refusals of what stock git may ask for, in an ERR packet, which git shows. Overload keeps its status: programs read
 * it, wait, and try again.
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
