import type { Context } from 'hono';
import { isCairnError } from '../lib/errors.ts';
import type { Html } from './layout.ts';
import { JSON_HEADERS, PAGE_HEADERS } from './page-headers.ts';
import { errorPage } from './pages/error-page.ts';
import { notFoundPage } from './pages/not-found-page.ts';
import { invalidContent, missingContent, tooLargeContent } from './pages/refusal-content.ts';
import { tooManyPage } from './pages/too-many-page.ts';
import { representationOf } from './representation.ts';

const RETRY_AFTER_SECONDS = '5';

/** The answer for everything that a visitor does not find: always the same bytes. */
export function notFound(c: Context, base: string): Response | Promise<Response> {
  c.header('Vary', 'Accept');
  if (representationOf(c) === 'json') return jsonError(c, 404, 'not-found', 'not found');
  return c.html(notFoundPage(base), 404, PAGE_HEADERS);
}

/** A page of a repository around some content: the repository and its parts stay above. @param title plain text */
export type RepositoryFrame = (title: string, content: Html) => Html;

/**
 * The answer for what went wrong about a repository that the visitor may read.
 * @throws what is no matter of the visitor: see {@link failed}
 */
export function refuse(c: Context, frame: RepositoryFrame, error: unknown): Response | Promise<Response> {
  if (isCairnError(error, 'too-large')) {
    if (representationOf(c) === 'json') return jsonError(c, 413, 'too-large', error.publicText);
    return c.html(frame('Too large', tooLargeContent()), 413, PAGE_HEADERS);
  }
  if (isCairnError(error, 'invalid')) {
    if (representationOf(c) === 'json') return jsonError(c, 400, 'invalid', error.publicText);
    return c.html(frame('Cannot be read', invalidContent(error.publicText)), 400, PAGE_HEADERS);
  }
  if (isCairnError(error, 'not-found')) {
    if (representationOf(c) === 'json') return jsonError(c, 404, 'not-found', error.publicText);
    return c.html(frame('Not found', missingContent(error.publicText)), 404, PAGE_HEADERS);
  }
  throw error;
}

/** The response for an address that has used up its limit. @param seconds after which it may ask again */
export function tooMany(c: Context, base: string, seconds: number): Response | Promise<Response> {
  c.header('Retry-After', String(seconds));
  if (representationOf(c) === 'json') {
    return jsonError(c, 429, 'busy', `too many pages for your address, try again in ${seconds} seconds`);
  }
  return c.html(tooManyPage(base, seconds), 429, PAGE_HEADERS);
}

/** The answer for a fault of the server. It says nothing about a repository. */
export function failed(c: Context, base: string, error: unknown): Response | Promise<Response> {
  const { status, kind, title, advice, html } = errorPage(error, base);
  if (status === 503) c.header('Retry-After', RETRY_AFTER_SECONDS);
  if (representationOf(c) === 'json') return jsonError(c, status, kind, `${title}. ${advice}`);
  return c.html(html, status, PAGE_HEADERS);
}

function jsonError(
  c: Context,
  status: 400 | 404 | 413 | 429 | 500 | 503,
  kind: string,
  message: string,
): Response {
  return c.body(JSON.stringify({ error: { kind, message } }), status, JSON_HEADERS);
}
