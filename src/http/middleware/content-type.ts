import type { MiddlewareHandler } from 'hono';
import { CairnError } from '../../lib/errors.ts';
import type { HttpEnv } from '../http-env.ts';

/** Refuses a request whose body is of another media type. */
export function contentType(expected: string): MiddlewareHandler<HttpEnv> {
  return (c, next) => {
    const given = c.env.incoming.headers['content-type'];
    // A media type is case-insensitive, and parameters may follow it (RFC 9110, section 8.3.1).
    if (given?.split(';')[0]?.trim().toLowerCase() === expected) return next();
    throw new CairnError('invalid', `expected content type ${expected}, got ${given ?? 'none'}`);
  };
}
