import { html } from 'hono/html';
import { isCairnError } from '../../lib/errors.ts';
import { type Html, page } from '../layout.ts';

export interface ErrorPage {
  readonly status: 500 | 503;
  readonly kind: 'unavailable' | 'internal';
  readonly title: string;
  readonly advice: string;
  readonly html: Html;
}

/**
 * The page for an error. Details go only to the log: a page must say nothing about a repository before it is known to be
 * public.
 */
export function errorPage(error: unknown, base: string): ErrorPage {
  const comesBack = isCairnError(error, 'unavailable') || isCairnError(error, 'busy');
  const [status, title, advice] = comesBack
    ? ([503, 'Not now', 'Something this server needs does not answer. Try again in a moment.'] as const)
    : ([
        500,
        'Something is wrong',
        'This page cannot be shown. Its operator finds the reason in the log.',
      ] as const);
  return {
    status,
    kind: comesBack ? 'unavailable' : 'internal',
    title,
    advice,
    html: page({
      title,
      base,
      content: html`<h1>${title}</h1>
<p>${advice}</p>`,
    }),
  };
}
