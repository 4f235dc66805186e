import type { MiddlewareHandler } from 'hono';
import { Client, type ClientOptions } from '../clients/client.ts';
import type { HttpEnv } from '../http-env.ts';

/** Notes who sent a request. Once it is answered, the client has to take what is left of the answer at the least pace. */
export function watchClient(options: ClientOptions): MiddlewareHandler<HttpEnv> {
  return (c, next) => {
    const client = new Client(c.env.incoming, c.env.outgoing, options);
    c.set('client', client);
    c.env.afterAnswer.push(() => client.watchDelivery());
    return next();
  };
}
