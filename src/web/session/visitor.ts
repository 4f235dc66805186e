import { html } from 'hono/html';
import { formatNpub } from '../../nostr/public-key.ts';
import { type Html, rootOf } from '../layout.ts';
import { shortNpub } from '../user-text.ts';

/** Says on a page of a private repository who sees it. Such a page is made for each visitor. @param key in hex */
export function visitor(base: string, key: string): Html {
  return html`<p class="session">Private. You are signed in as <code>${shortNpub(formatNpub(key))}</code>. <a href="${rootOf(base)}/sign-in">Sign out</a></p>`;
}
