import { html } from 'hono/html';
import { findReferences } from '../../../git/index.ts';
import type { Html } from '../../layout.ts';
import { cut } from '../../user-text.ts';
import type { CodeLinks } from '../code-links.ts';

/**
 * A text of a commit with links: addresses of the web, and ids of commits of this repository.
 * @param known whole ids of commits, by the words that stand for them
 * @param limit maximum number of characters
 */
export function messageHtml(
  links: CodeLinks,
  text: string,
  known: ReadonlyMap<string, string>,
  limit: number,
): Html {
  const shown = cut(text, limit);
  const parts: (string | Html)[] = [];
  let at = 0;
  for (const { kind, start, end } of findReferences(shown)) {
    const word = shown.slice(start, end);
    const oid = known.get(word);
    if (kind === 'id' && oid === undefined) continue;
    parts.push(shown.slice(at, start));
    parts.push(
      oid === undefined
        ? html`<a rel="nofollow ugc noreferrer" href="${word}">${word}</a>`
        : html`<a href="${links.commit(oid)}">${word}</a>`,
    );
    at = end;
  }
  return html`<bdi>${parts}${shown.slice(at)}</bdi>`;
}
