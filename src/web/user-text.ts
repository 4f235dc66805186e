import { html } from 'hono/html';
import type { Html } from './layout.ts';

/**
 * Text that somebody else wrote, cut to a length. It stands apart from what is around it, so that characters which turn
 * the direction of writing turn nothing but itself.
 * @param limit characters shown at most
 */
export function userText(text: string, limit: number): Html {
  return html`<bdi>${cut(text, limit)}</bdi>`;
}

/** The beginning of a text, with an ellipsis where it was cut. No character is cut in two. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return `${text
    .slice(0, limit)
    .replace(/[\ud800-\udbff]$/, '')
    .trimEnd()}…`;
}

/** A key as people read it in passing: its beginning and its end. */
export function shortNpub(npub: string): string {
  return `${npub.slice(0, 12)}…${npub.slice(-6)}`;
}
