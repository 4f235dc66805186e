import type { Context } from 'hono';
import { accepts } from 'hono/accepts';

/** How a page is sent: to people or to programs. */
export type Representation = 'html' | 'json';

/** What a request asks for by its `Accept` header. Without a preference it is HTML. */
export function representationOf(c: Context): Representation {
  const type = accepts(c, {
    header: 'Accept',
    supports: ['text/html', 'application/json'],
    default: 'text/html',
  });
  return type === 'application/json' ? 'json' : 'html';
}
