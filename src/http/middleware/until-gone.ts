import type { MiddlewareHandler } from 'hono';
import { CairnError } from '../../lib/errors.ts';
import type { HttpEnv } from '../http-env.ts';

/** Gives the next handlers a signal that is aborted if the client leaves before it has the whole response. */
export const untilGone: MiddlewareHandler<HttpEnv> = (c, next) => {
  const { outgoing } = c.env;
  const gone = new AbortController();
  outgoing.on('close', () => {
    if (!outgoing.writableFinished) gone.abort(new CairnError('unavailable', 'the client has gone'));
  });
  c.set('signal', gone.signal);
  return next();
};
