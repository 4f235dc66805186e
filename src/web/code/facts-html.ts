import { html } from 'hono/html';
import { formatNpub } from '../../nostr/public-key.ts';
import type { Html } from '../layout.ts';
import { personUrl } from '../nostr/people/person-html.ts';
import { shortNpub, userText } from '../user-text.ts';
import type { About } from './about.ts';

const NAME = 120;
const DESCRIPTION = 2_000;

/** What an overview begins with. @param more below the description */
export function introductionHtml(name: string, description: string, more: Html | '' = ''): Html {
  return html`<div class="introduction">
<h1>${userText(name, NAME)}</h1>
${description === '' ? '' : html`<p class="said">${userText(description, DESCRIPTION)}</p>`}
${more}
</div>`;
}

/** Pages elsewhere that the owner names, as a fact. @param web http and https URLs */
export function webFact(web: readonly string[]): Html | '' {
  if (web.length === 0) return '';
  const link = (url: string) =>
    html`<a href="${url}" rel="nofollow ugc noopener">${userText(url.replace(/^https?:\/\//, ''), 200)}</a>`;
  return fact('Web', listHtml(web.map(link)));
}

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
