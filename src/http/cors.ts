import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessMode } from '../policy/access.ts';

const HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, POST, OPTIONS',
  'Access-Control-Allow-Headers':
    'Authorization, Content-Type, Content-Encoding, Accept, Git-Protocol, X-Requested-With',
  'Access-Control-Expose-Headers': 'WWW-Authenticate, Retry-After',
  'Access-Control-Max-Age': '86400',
};

/**
 * Lets pages of any origin speak git here, errors included. A client that names no origin is no page, and gets git's
 * own headers and nothing more. Not where anyone may push: such a server trusts whoever reaches it, on this machine
 * only, and a page in a browser on this machine is somebody else.
 *
 * @returns true when the request was only a browser's question whether it may send another, and has been answered
 */
export function answerBrowser(
  access: AccessMode,
  incoming: IncomingMessage,
  response: ServerResponse,
): boolean {
  if (incoming.headers.origin === undefined || access === 'open') return false;
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  if (incoming.method !== 'OPTIONS') return false;
  response.writeHead(204).end();
  return true;
}
