import type { MiddlewareHandler } from 'hono';
import type { Precedence } from '../../lib/precedence.ts';
import type { HttpEnv } from '../http-env.ts';

/** Requests of git and Fossil go before pages, which stand back for them. */
export function takePrecedence(precedence: Precedence | undefined): MiddlewareHandler<HttpEnv> {
  return async (_, next) => {
    const ended = precedence?.begin();
    try {
      await next();
    } finally {
      ended?.();
    }
  };
}
