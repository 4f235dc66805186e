import type { Context } from 'hono';
import { accepts } from 'hono/accepts';

/** How a page is sent: to people or to programs. */
export type Representation = 'html' | 'json';

/** Types that JSON is one of, wherever they are among others. */
const NAMES_JSON = /application\/(?:json|\*)/i;

/**
 * What an `Accept` header asks for that needs no weighing: most requests name no type but those of pages, some none at all, and programs
 * JSON alone.
 * @returns undefined if types and their weights have to be compared
 */
export function plainRepresentation(accept = ''): Representation | undefined {
  if (accept === 'application/json') return 'json';
  return NAMES_JSON.test(accept) ? undefined : 'html';
}

/** What a request asks for by its `Accept` header. Without a preference it is HTML. */
export function representationOf(c: Context): Representation {
  const plain = plainRepresentation(c.req.header('Accept'));
  if (plain !== undefined) return plain;
  const type = accepts(c, {
    header: 'Accept',
    supports: ['text/html', 'application/json'],
    default: 'text/html',
  });
  return type === 'application/json' ? 'json' : 'html';
}
