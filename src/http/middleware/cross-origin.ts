import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { MiddlewareHandler } from 'hono';
import type { AccessMode } from '../../policy/push-entry.ts';
import type { HttpEnv } from '../http-env.ts';

/** Headers that let pages of any origin send git requests and read the responses. */
export const CROSS_ORIGIN = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, POST, OPTIONS',
  'Access-Control-Allow-Headers':
    'Authorization, Content-Type, Content-Encoding, Accept, If-None-Match, If-Range, Range, Git-Protocol, X-Requested-With, X-Git-Request-Id',
  'Access-Control-Expose-Headers':
    'WWW-Authenticate, Retry-After, ETag, Accept-Ranges, Content-Range, Content-Disposition',
  'Access-Control-Max-Age': '86400',
};

/** The headers of every response outside `/git/`. */
export function crossOriginHeaders(access: AccessMode): Readonly<Record<string, string>> {
  return access === 'open' ? {} : CROSS_ORIGIN;
}

/**
 * Lets pages of any origin read every response, errors included. GRASP-01 requires that in its URL space. Under `/git/`, a
 * request without an `Origin` is not from a page, and gets only git's own headers. A server where anyone may push sends no such
 * headers: it trusts everyone on its machine, but not the pages in a browser there.
 *
 * OPTIONS requests are answered here.
 */
export function crossOrigin(access: AccessMode): MiddlewareHandler<HttpEnv> {
  const headers = Object.entries(crossOriginHeaders(access));
  return async (c, next) => {
    const { incoming, outgoing, git } = c.env;
    const readable = git?.space !== 'git' || incoming.headers.origin !== undefined;
    if (readable) for (const [name, value] of headers) outgoing.setHeader(name, value);
    if (incoming.method !== 'OPTIONS') return next();
    // OPTIONS lists the methods (RFC 9110, section 9.3.7), also if no page may read the response.
    outgoing.setHeader('Allow', 'GET, HEAD, POST, OPTIONS');
    outgoing.writeHead(204).end();
    return RESPONSE_ALREADY_SENT;
  };
}
