import { html } from 'hono/html';
import { pathText } from '../../browse/paths.ts';
import { isCairnError } from '../../lib/errors.ts';
import type { PageWord } from '../../nostr/repository-url.ts';
import type { Html } from '../layout.ts';
import { userText } from '../user-text.ts';
import { type CodeLinks, encodePath } from './code-links.ts';
import { decodeSegment } from './code-path.ts';

/** The pages that show a path of a revision. */
export const PATH_PAGES: readonly PageWord[] = ['blame', 'commits', 'file', 'tree'];

/** What a visitor looks at while choosing another branch or tag from the list of all. */
export interface KeptPlace {
  readonly word: PageWord;
  readonly path: readonly Buffer[];
}

/** Query parameters of lists of branches and tags. */
export const KEPT_PLACE_QUERY: Readonly<Record<string, string>> = {
  from: 'a page and a path, `file/src/main.ts`: links lead to it in each revision (pages for people only)',
};

/** What the query of such a list says of a place; what is empty says nothing. */
export function keptPlaceQuery(place: KeptPlace | undefined): { readonly from: string } {
  if (place === undefined || (place.word === 'tree' && place.path.length === 0)) return { from: '' };
  return { from: [place.word, ...(place.path.length === 0 ? [] : [encodePath(place.path)])].join('/') };
}

/** Reads the query. What cannot be read counts for nothing. */
export function readKeptPlace(query: URLSearchParams): KeptPlace | undefined {
  const [name, ...rest] = (query.get('from') ?? '').split('/');
  const word = PATH_PAGES.find((one) => one === name);
  if (word === undefined) return undefined;
  try {
    return { word, path: rest.filter((part) => part !== '').map(decodeSegment) };
  } catch (error) {
    if (isCairnError(error, 'invalid')) return undefined;
    throw error;
  }
}

/** Leads to a place in another revision, or to the nearest folder that is there. */
export function placeIn(links: CodeLinks, revision: string, { word, path }: KeptPlace): string {
  return links.switchTo(word, revision, path);
}

/** Says that links of a list lead to a place. */
export function keptPlaceHtml(place: KeptPlace | undefined): Html | '' {
  if (place === undefined || place.path.length === 0) return '';
  return html`<p class="quiet">Choose where to look at <code>${userText(pathText(place.path), 1_024)}</code>.</p>`;
}
