import type { Context } from 'hono';
import { CairnError } from '../../lib/errors.ts';

/**
 * Checks that a form comes from a page of this service. Browsers name the origin of every form that is posted.
 * @throws CairnError `forbidden` for every other sender, and for one that does not say
 */
export function requireSameOrigin(c: Context, base: string): void {
  const { origin } = new URL(base);
  const site = c.req.header('Sec-Fetch-Site');
  if (c.req.header('Origin') === origin && (site === undefined || site === 'same-origin')) return;
  throw new CairnError(
    'forbidden',
    `this form was not sent from a page of ${origin}: open ${base}/sign-in and try again there`,
  );
}
