import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessMode, UrlSpace } from '../../policy/access.ts';

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
 * @param space undefined for what is no path of a repository
 * @returns true when the request was only the question what may be sent (OPTIONS), and has been answered
 */
export function answerBrowser(
  access: AccessMode,
  space: UrlSpace | undefined,
  incoming: IncomingMessage,
  response: ServerResponse,
): boolean {
  const readable = access !== 'open' && (space !== 'git' || incoming.headers.origin !== undefined);
  if (readable) for (const [name, value] of Object.entries(CROSS_ORIGIN)) response.setHeader(name, value);
  if (incoming.method !== 'OPTIONS') return false;
  // Asked what it has, a path tells (RFC 9110, section 9.3.7), also where no page is let in.
  response.setHeader('Allow', 'GET, HEAD, POST, OPTIONS');
  response.writeHead(204).end();
  return true;
}
