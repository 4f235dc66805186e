import { html } from 'hono/html';
import type { ThreadStatus } from '../../../nostr/collaboration/status.ts';
import type { Html } from '../../layout.ts';
import { userText } from '../../user-text.ts';
import type { ThreadWords } from './thread-words.ts';

/** Shapes beside the words, so that a status is more than a colour. */
const SHAPES: Readonly<Record<ThreadStatus, string>> = { open: '○', applied: '●', closed: '×', draft: '◌' };

export function statusHtml(words: ThreadWords, status: ThreadStatus): Html {
  return html`<span class="status ${status}"><span aria-hidden="true">${SHAPES[status]}</span> ${words.statuses[status]}</span>`;
}

export function labelsHtml(labels: readonly string[]): Html {
  return html`${labels.map((label) => html`<span class="label">${userText(label, 50)}</span> `)}`;
}
