import { html } from 'hono/html';
import type { Html } from './layout.ts';

/** A day as people read it everywhere, `2026-11-29`; the title has the time. @param seconds in UTC */
export function timeOf(seconds: number): Html {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return html`?`;
  const text = date.toISOString();
  return html`<time datetime="${text}" title="${text.slice(0, 16).replace('T', ' ')} UTC">${text.slice(0, 10)}</time>`;
}
