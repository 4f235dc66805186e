import type { IncomingMessage } from 'node:http';

/**
 * The target of a request in origin form, with one slash where several follow each other in the path.
 *
 * A client that speaks to a proxy sends the absolute form (`GET http://host/path HTTP/1.1`), and RFC 9112, section 3.2.2
 * asks every server to take it. Slashes get doubled where somebody joins a base URL that ends in one with a path. No path
 * here has an empty part, so both can only mean the path without.
 *
 * @param target as written in the request line; `*` is left as it is
 */
export function normalTarget(target: string): string {
  const origin = target.replace(/^https?:\/\/[^/?#]*/i, '');
  if (origin === '' || origin.startsWith('?')) return `/${origin}`;
  const mark = origin.indexOf('?');
  const path = mark === -1 ? origin : origin.slice(0, mark);
  return `${path.replace(/\/{2,}/g, '/')}${mark === -1 ? '' : origin.slice(mark)}`;
}

/** The raw path of a request with a {@link normalTarget}. */
export function pathOf({ url = '/' }: IncomingMessage): string {
  const mark = url.indexOf('?');
  return mark === -1 ? url : url.slice(0, mark);
}

/** The query of a request. */
export function queryOf({ url = '/' }: IncomingMessage): URLSearchParams {
  const mark = url.indexOf('?');
  return new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1));
}
