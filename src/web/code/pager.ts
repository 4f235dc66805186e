import { html } from 'hono/html';
import type { Html } from '../layout.ts';

export interface PagerParts {
  /** The URL without a query. */
  readonly url: string;
  /** What stays in the query from page to page; what is empty is left out. */
  readonly query?: Readonly<Record<string, string>>;
  /** Left out before the first one that is shown. */
  readonly skip: number;
  /** Shown on a page. */
  readonly size: number;
  /** Whether there is a next page. */
  readonly more: boolean;
  /** The words of the links. */
  readonly previous?: string;
  readonly next?: string;
}

/** Links to the page before and the one after; empty where there is one page alone. */
export function pager(parts: PagerParts): Html | '' {
  const { url, query = {}, skip, size, more, previous = 'Previous', next = 'Next' } = parts;
  if (skip === 0 && !more) return '';
  const at = (from: number) => withQuery(url, { ...query, skip: from === 0 ? '' : String(from) });
  return html`<nav class="pages" aria-label="Pages">${
    skip === 0 ? '' : html`<a rel="prev" href="${at(Math.max(0, skip - size))}">${previous}</a>`
  } ${more ? html`<a rel="next" href="${at(skip + size)}">${next}</a>` : ''}</nav>`;
}

/** A URL with a query. @param query what is empty is left out */
export function withQuery(url: string, query: Readonly<Record<string, string>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== '');
  return given.length === 0 ? url : `${url}?${new URLSearchParams(given).toString()}`;
}

/** A count as people read it: `1,234`. */
export function counted(count: number, one: string, many: string): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}
