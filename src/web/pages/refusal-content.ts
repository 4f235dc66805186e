/** What pages of a repository show in place of what was asked for. */
import { html } from 'hono/html';
import type { Html } from '../layout.ts';
import { userText } from '../user-text.ts';

const WHAT = 400;

/** For what is not found. @param what as an error says it: without a capital letter and a full stop */
export function missingContent(what: string): Html {
  return html`<h1 class="subject">Not found</h1>
${sentence(what)}`;
}

/** For a URL that asks for something that cannot be. @param why as an error says it: the name of a parameter may begin it */
export function invalidContent(why: string): Html {
  return html`<h1 class="subject">This address cannot be read</h1>
<p>${userText(why, WHAT)}.</p>`;
}

function sentence(what: string): Html {
  return html`<p>${userText(`${what.slice(0, 1).toUpperCase()}${what.slice(1)}`, WHAT)}.</p>`;
}

/** For what is there, and larger than a page shows or sends. */
export function tooLargeContent(): Html {
  return html`<h1 class="subject">Too large</h1>
<p>This is larger than what this server shows or sends on its pages. Clone the repository to get it.</p>`;
}
