import type { MiddlewareHandler } from 'hono';
import type { HttpEnv } from '../http-env.ts';
import type { RequestPlaces } from './request-places.ts';

/** Handles at most as many requests at once as there are places. A request gives its place back when it is answered. */
export function slots(places: RequestPlaces): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const client = c.get('client');
    const signal = c.get('signal');
    if (signal === undefined) throw new TypeError('slots need the signal of a request');
    const release = await places.enter(client.caller, client, signal);
    try {
      await next();
    } finally {
      release();
    }
  };
}
