import { html } from 'hono/html';
import { type Html, page } from '../layout.ts';
import { visitor } from '../session/visitor.ts';
import { userText } from '../user-text.ts';
import type { FossilLinks } from './fossil-links.ts';
import { TIP } from './read-artifact-name.ts';

/** What every page of a Fossil repository knows. All of it is part of what a kept page depends on. */
export interface FossilContext {
  /** The public base URL of the service. */
  readonly base: string;
  readonly links: FossilLinks;
  /** The repository's name for people. */
  readonly name: string;
  /** The key of the visitor, where not everybody may read the repository. */
  readonly reader?: string;
}

const NAME = 120;
const PATH = 255;

/** What a page has of its context. */
export function contextKey({ links, name, reader }: FossilContext): unknown {
  return [links.repository, name, reader ?? null];
}

/** A page: the repository and its parts above, the content below. @param title plain text */
export function fossilFrame(context: FossilContext, title: string, content: Html): Html {
  const { base, links, name, reader } = context;
  return page({
    title: `${title} · ${name}`,
    base,
    wide: true,
    content: html`<nav class="repository" aria-label="Repository">
<a class="name" href="${links.repository}">${userText(name, NAME)}</a>
<a href="${links.at('timeline')}">Timeline</a>
<a href="${links.at('tree', TIP)}">Files</a>
</nav>
${reader === undefined ? '' : visitor(base, reader)}
${content}`,
  });
}

/** Links to a path and all folders above it, the last one as plain text. @param checkIn its name, or `tip` */
export function breadcrumbs({ links }: FossilContext, checkIn: string, path: string): Html {
  const names = path === '' ? [] : path.split('/');
  const parts = names.map((name, at) => {
    const text = userText(name, PATH);
    return html`<span class="quiet" aria-hidden="true">/</span>${
      at === names.length - 1
        ? html`<span aria-current="page">${text}</span>`
        : html`<a href="${links.at('tree', checkIn, names.slice(0, at + 1).join('/'))}">${text}</a>`
    }`;
  });
  return html`<h1 class="path"><a href="${links.at('tree', checkIn)}">${checkIn.slice(0, 10)}</a>${parts}</h1>`;
}

/** A date for people. @param time seconds since the epoch; undefined if there is none */
export function dateText(time: number | undefined): string {
  if (time === undefined) return 'no date';
  const date = new Date(time * 1000);
  return Number.isNaN(date.getTime())
    ? 'no date'
    : `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
