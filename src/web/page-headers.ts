/** The headers of every page: what a browser may do with it, and what others may. */
import { sha256 } from '../lib/digest.ts';
import { STYLE } from './style.ts';

/** A page loads nothing and runs nothing: all it has is the one style sheet and the icon that are written into it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${Buffer.from(sha256(STYLE), 'hex').toString('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * Headers of a page, an error page included. They depend on nothing that was asked for. A page is asked for again each
 * time, since a repository may have become private or have been withdrawn.
 */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-cache',
};
