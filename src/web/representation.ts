import type { Context } from 'hono';
import { accepts } from 'hono/accepts';

/** How a page is sent: to people or to programs. */
export type Representation = 'html' | 'json';

/** Types that JSON is one of, wherever they are among others. */
const NAMES_JSON = /application\/(?:json|\*)/i;

/** What a request asks for by its `Accept` header. Without a preference it is HTML. */
export function representationOf(c: Context): Representation {
  // Most requests name no type but those of pages, and some none at all.
  if (!NAMES_JSON.test(c.req.header('Accept') ?? '')) return 'html';
  const type = accepts(c, {
    header: 'Accept',
    supports: ['text/html', 'application/json'],
    default: 'text/html',
  });
  return type === 'application/json' ? 'json' : 'html';
}
