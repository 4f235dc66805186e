import type { MiddlewareHandler } from 'hono';
import type { HttpEnv } from '../http-env.ts';
import type { RequestSlots } from './request-slots.ts';

/** Handles at most as many requests at once as there are slots. A request releases its slot when it is answered. */
export function slots(requestSlots: RequestSlots): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const client = c.get('client');
    const signal = c.get('signal');
    if (signal === undefined) throw new TypeError('slots need the signal of a request');
    const release = await requestSlots.enter(client.caller, client, signal);
    try {
      await next();
    } finally {
      release();
    }
  };
}
