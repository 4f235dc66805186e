import type { IncomingMessage } from 'node:http';
import type { MiddlewareHandler } from 'hono';
import type { HttpEnv } from '../http-env.ts';

/** Ends the connection after an answer outside git's routes to a request whose body is still to come: nobody waits for it. */
export const endWithUnreadBody: MiddlewareHandler<HttpEnv> = (c, next) => {
  const { incoming, outgoing, git } = c.env;
  if (git === undefined && !incoming.complete && announcesBody(incoming)) {
    outgoing.setHeader('Connection', 'close');
  }
  return next();
};

function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
