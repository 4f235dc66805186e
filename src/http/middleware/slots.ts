import type { MiddlewareHandler } from 'hono';
import type { GitEnv } from '../http-env.ts';
import type { RequestPlaces } from './request-places.ts';

/** Handles at most as many requests at once as there are places. A request gives its place back when it is answered. */
export function slots(places: RequestPlaces): MiddlewareHandler<GitEnv> {
  return async (c, next) => {
    const client = c.get('client');
    const release = await places.enter(client.caller, client, c.get('signal'));
    try {
      await next();
    } finally {
      release();
    }
  };
}
