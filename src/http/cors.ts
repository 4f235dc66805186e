import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessMode, UrlSpace } from '../policy/access.ts';

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
 * Lets pages of any origin speak git here, errors included. GRASP-01 wants that of every answer in its space; in the other
 * one a client that names no origin is no page, and gets git's own headers and nothing more. Not where anyone may push:
 * such a server trusts whoever reaches it, on this machine only, and a page in a browser on this machine is somebody else.
 *
 * @returns true when the request was only a browser's question whether it may send another, and has been answered
 */
export function answerBrowser(
  access: AccessMode,
  space: UrlSpace | undefined,
  incoming: IncomingMessage,
  response: ServerResponse,
): boolean {
  if (access === 'open' || (space !== 'grasp' && incoming.headers.origin === undefined)) return false;
  for (const [name, value] of Object.entries(CROSS_ORIGIN)) response.setHeader(name, value);
  if (incoming.method !== 'OPTIONS') return false;
  response.writeHead(204).end();
  return true;
}
