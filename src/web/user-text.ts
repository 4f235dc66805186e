import { html } from 'hono/html';
import type { Html } from './layout.ts';

/**
 * Text written by a user, cut to a length. It is isolated (`<bdi>`), so that characters that change the writing direction
 * affect only this text.
 * @param limit maximum number of characters
 */
export function userText(text: string, limit: number): Html {
  return html`<bdi>${cut(text, limit)}</bdi>`;
}

/** The beginning of a text, with an ellipsis if it was cut. A surrogate pair is never split. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return `${text
    .slice(0, limit)
    .replace(/[\ud800-\udbff]$/, '')
    .trimEnd()}…`;
}

/** A shortened key: its beginning and its end. */
export function shortNpub(npub: string): string {
  return `${npub.slice(0, 12)}…${npub.slice(-6)}`;
}
