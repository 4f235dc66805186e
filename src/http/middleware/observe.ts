import type { MiddlewareHandler } from 'hono';
import type { HttpEnv } from '../http-env.ts';
import type { RequestLog } from '../request-log.ts';

/** Gives each request an id, and has it counted and logged. @param now monotonic milliseconds */
export function observe(requestLog: RequestLog, now: () => number): MiddlewareHandler<HttpEnv> {
  return (c, next) => {
    const began = now();
    const trouble = () => (c.get('signal')?.aborted ? undefined : (c.get('trouble') ?? c.error));
    const requestId = requestLog.begin(c.env, c.get('client'), { began, trouble });
    c.set('requestId', requestId);
    c.set('began', began);
    // A git response has only the headers of git http-backend.
    if (c.env.git === undefined) c.env.outgoing.setHeader('X-Request-Id', requestId);
    return next();
  };
}
