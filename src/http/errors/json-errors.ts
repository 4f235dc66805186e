/** Errors in the form that programs read which watch the server. */
import type { Context } from 'hono';
import type { Logger } from '../../observability/logger.ts';

/** Refuses a method of a path that can only be read: 405 with the allowed methods (RFC 9110, section 15.5.6). */
export function refuseMethod(c: Context, path: string): Response {
  return c.json({ error: `${path} is asked for with GET` }, 405, { Allow: 'GET, HEAD, OPTIONS' });
}

/** Logs the error, and answers without its reason. */
export function jsonErrors(log: Logger): (error: unknown, c: Context) => Response {
  return (error, c) => {
    log.error({ path: c.req.path, err: error }, 'request failed');
    return c.json({ error: 'internal error' }, 500);
  };
}
