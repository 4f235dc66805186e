import type { MiddlewareHandler } from 'hono';
import { Client, type ClientOptions } from '../clients/client.ts';
import type { HttpEnv } from '../http-env.ts';

/** Notes who sent a request. After the handlers, the client has to read the rest of the response at the minimum rate. */
export function watchClient(options: ClientOptions): MiddlewareHandler<HttpEnv> {
  return (c, next) => {
    const client = new Client(c.env.incoming, c.env.outgoing, options);
    c.set('client', client);
    c.env.afterAnswer.push(() => client.watchDelivery());
    return next();
  };
}
