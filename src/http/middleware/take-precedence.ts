import type { MiddlewareHandler } from 'hono';
import type { Precedence } from '../../lib/precedence.ts';
import type { HttpEnv } from '../http-env.ts';

/** Gives requests of git and Fossil priority over pages. */
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
