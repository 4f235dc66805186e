import type { ServerResponse } from 'node:http';
import type { Context } from 'hono';

/**
 * Headers of an answer that is not for everybody. No cache keeps it, no page of another origin may read it or embed it, and none
 * keeps a handle on its window.
 */
const PRIVATE_HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'private, no-store',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
};

/** Makes an answer one for this visitor alone. */
export function privateAnswer(c: Context, answer: Response): Response {
  for (const [name, value] of Object.entries(PRIVATE_HEADERS)) answer.headers.set(name, value);
  answer.headers.append('Vary', 'Cookie, Authorization');
  // The server lets pages of any origin read its answers, but for such ones.
  const { outgoing } = (c.env ?? {}) as { readonly outgoing?: ServerResponse };
  for (const name of outgoing?.getHeaderNames() ?? []) {
    if (name.startsWith('access-control-')) outgoing?.removeHeader(name);
  }
  return answer;
}
