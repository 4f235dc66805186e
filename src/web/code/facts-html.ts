import { html } from 'hono/html';
import { formatNpub } from '../../nostr/public-key.ts';
import type { Html } from '../layout.ts';
import { personUrl } from '../nostr/people/person-html.ts';
import { shortNpub, userText } from '../user-text.ts';
import type { About } from './about.ts';

/** A fact in a list of facts (`<dl class="facts">`). */
export function fact(term: string, definition: Html): Html {
  return html`<div><dt>${term}</dt><dd>${definition}</dd></div>`;
}

/** Several values of one fact. */
export function listHtml(items: readonly Html[]): Html {
  return html`<ul>${items.map((item) => html`<li>${item}</li>`)}</ul>`;
}

/** A person: the name, if there is one, and always the key, since anybody can take a name. @param publicKey in hex */
export function keyHtml(base: string, publicKey: string, { names }: About): Html {
  const npub = formatNpub(publicKey);
  const name = names[publicKey];
  return html`<a class="key" href="${personUrl(base, npub)}" title="${npub}">${name === undefined ? '' : html`<span class="name">${userText(name, 60)}</span> `}<code>${shortNpub(npub)}</code></a>`;
}

/** A number with its noun. */
export function counted(count: number, one: string, many: string): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}
