import type { IncomingMessage } from 'node:http';
import type { MiddlewareHandler } from 'hono';
import type { HttpEnv } from '../http-env.ts';

/** Closes the connection after a response outside git's routes if the request body was not read: nothing reads it later. */
export const endWithUnreadBody: MiddlewareHandler<HttpEnv> = (c, next) => {
  const { incoming, outgoing, git } = c.env;
  if (git === undefined && !incoming.complete && announcesBody(incoming)) {
    outgoing.setHeader('Connection', 'close');
  }
  return next();
};

/** Whether a request has a body, by its headers. */
export function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
