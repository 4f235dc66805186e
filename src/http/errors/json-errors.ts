/** Errors as programs that watch the server read them. */
import type { Context } from 'hono';
import type { Logger } from '../../observability/logger.ts';

/** Refuses a method of what can only be read, with 405 and what is allowed (RFC 9110, section 15.5.6). */
export function refuseMethod(c: Context, path: string): Response {
  return c.json({ error: `${path} is asked for with GET` }, 405, { Allow: 'GET, HEAD, OPTIONS' });
}

/** Logs what went wrong, and answers that something did. */
export function jsonErrors(log: Logger): (error: unknown, c: Context) => Response {
  return (error, c) => {
    log.error({ path: c.req.path, err: error }, 'request failed');
    return c.json({ error: 'internal error' }, 500);
  };
}
