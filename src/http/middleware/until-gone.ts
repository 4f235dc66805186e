import type { MiddlewareHandler } from 'hono';
import { CairnError } from '../../lib/errors.ts';
import type { HttpEnv } from '../http-env.ts';

/** Gives what follows a signal that is aborted when the client leaves before it has the whole answer. */
export const untilGone: MiddlewareHandler<HttpEnv> = (c, next) => {
  const { outgoing } = c.env;
  const gone = new AbortController();
  outgoing.on('close', () => {
    if (!outgoing.writableFinished) gone.abort(new CairnError('unavailable', 'the client has gone'));
  });
  c.set('signal', gone.signal);
  return next();
};
