/** The security and cache headers of every page. */
import { sha256 } from '../lib/digest.ts';
import { STYLE } from './assets/style.ts';

/** A page loads nothing and runs no script: it has only its inline style sheet and icon. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${Buffer.from(sha256(STYLE), 'hex').toString('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * Headers of every page, error pages included. They do not depend on the request. Browsers revalidate a page each time,
 * because its repository may have become private or may be withdrawn.
 */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-cache',
};
