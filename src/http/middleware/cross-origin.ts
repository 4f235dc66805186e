import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { MiddlewareHandler } from 'hono';
import type { AccessMode } from '../../policy/access.ts';
import type { HttpEnv } from '../http-env.ts';

/** Lets pages of any origin read an answer, and send what git and its clients send. */
export const CROSS_ORIGIN = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, POST, OPTIONS',
  'Access-Control-Allow-Headers':
    'Authorization, Content-Type, Content-Encoding, Accept, Git-Protocol, X-Requested-With, X-Git-Request-Id',
  'Access-Control-Expose-Headers': 'WWW-Authenticate, Retry-After',
  'Access-Control-Max-Age': '86400',
};

/**
 * Lets pages of any origin read every answer, errors included, whatever the path. GRASP-01 wants that in its space. Under
 * `/git/` a client that names no origin is no page, and gets git's own headers and nothing more. Not where anyone may push:
 * such a server trusts whoever reaches it, on this machine only, and a page in a browser on this machine is somebody else.
 *
 * A request that only asks what may be sent (OPTIONS) is answered here.
 */
export function crossOrigin(access: AccessMode): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const { incoming, outgoing, git } = c.env;
    const readable = access !== 'open' && (git?.space !== 'git' || incoming.headers.origin !== undefined);
    if (readable) for (const [name, value] of Object.entries(CROSS_ORIGIN)) outgoing.setHeader(name, value);
    if (incoming.method !== 'OPTIONS') return next();
    // Asked what it has, a path tells (RFC 9110, section 9.3.7), also where no page is let in.
    outgoing.setHeader('Allow', 'GET, HEAD, POST, OPTIONS');
    outgoing.writeHead(204).end();
    return RESPONSE_ALREADY_SENT;
  };
}
