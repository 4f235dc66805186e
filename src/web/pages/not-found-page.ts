import { html } from 'hono/html';
import { type Html, page, rootOf } from '../layout.ts';
import { userText } from '../user-text.ts';

/** What is missing in a repository that the visitor may read. */
export interface Missing {
  /** As an error says it: without a capital letter and a full stop. */
  readonly what: string;
  /** The path of the repository's own page. */
  readonly repository: string;
}

const WHAT = 400;

/**
 * The page for everything that is not found. It repeats nothing from the request, so a private repository and a missing one
 * give the same bytes.
 */
export function notFoundPage(base: string): Html {
  return notFound(
    base,
    html`<p>There is no page at this address, or it is not for everybody. If the repository is private and you may read it,
<a href="${rootOf(base)}/sign-in" referrerpolicy="same-origin">sign in</a>.</p>
<p><a href="${base}/">All repositories</a></p>`,
  );
}

/** The page for what is not found in a repository that the visitor may read. */
export function missingPage(base: string, { what, repository }: Missing): Html {
  const sentence = `${what.slice(0, 1).toUpperCase()}${what.slice(1)}`;
  return notFound(
    base,
    html`<p>${userText(sentence, WHAT)}.</p>
<p><a href="${repository}">Back to the repository</a></p>`,
  );
}

function notFound(base: string, content: Html): Html {
  return page({
    title: 'Not found',
    base,
    content: html`<h1>Not found</h1>
${content}`,
  });
}
