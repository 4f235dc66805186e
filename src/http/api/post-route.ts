import { type Context, Hono } from 'hono';
import type { Logger } from '../../observability/logger.ts';
import { MethodNotAllowed } from '../errors/method-not-allowed.ts';
import type { HttpEnv } from '../http-env.ts';
import type { Expectations } from '../middleware/expectation.ts';
import type { RequestSlots } from '../middleware/request-slots.ts';
import { slots } from '../middleware/slots.ts';
import { untilGone } from '../middleware/until-gone.ts';
import { jsonErrors, smallBody } from './json-api.ts';

/** What the routes that answer with JSON have of the server. */
export interface ApiServer {
  readonly log: Logger;
  readonly expectations: Expectations;
  readonly requestSlots: RequestSlots;
}

/**
 * A path that answers POST with JSON, and refuses every other method.
 * @param what what is asked for there, in the refusal: `a link`
 * @param answer makes the answer, and reads the body where it wants to
 */
export function postRoute(
  path: string,
  what: string,
  server: ApiServer,
  answer: (c: Context<HttpEnv>, body: () => Promise<Buffer>) => Promise<object>,
): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  app.use(path, untilGone, slots(server.requestSlots));
  app.post(path, async (c) => c.json(await answer(c, () => smallBody(c, server.expectations))));
  app.all(path, () => {
    throw new MethodNotAllowed(`${what} is asked for with POST`, 'POST, OPTIONS');
  });
  app.onError(jsonErrors(server.log));
  return app;
}
