import { html } from 'hono/html';
import { isCairnError } from '../../lib/errors.ts';
import { type Html, page } from '../layout.ts';

export interface ErrorPage {
  readonly status: 500 | 503;
  readonly html: Html;
}

/**
 * The page of what went wrong. What is damaged, and where it is stored, is for the log: a page says nothing about a
 * repository before it has been found to be for everybody.
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
    html: page({
      title,
      base,
      content: html`<h1>${title}</h1>
<p>${advice}</p>`,
    }),
  };
}
