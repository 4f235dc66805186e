import { parsePublicKey } from '../../nostr/public-key.ts';
import type { RepositoryQuestion } from './listed-repositories.ts';
import { decodePlace, encodePlace, type Place, readSort, type Sort } from './sorts.ts';
import { wordsOf } from './word-index.ts';

/** What the URL of the front page asks for. */
export interface FrontQuestion extends RepositoryQuestion {
  /** The search text, as written. */
  readonly text: string;
}

const SORT: Sort = 'newest';
/** Characters and words of a search. */
const TEXT = 200;
const WORDS = 8;

/** Reads the query of a URL. What makes no sense is left out. */
export function readFrontQuestion(query: URLSearchParams): FrontQuestion {
  const text = (query.get('q') ?? '').slice(0, TEXT).toWellFormed().trim();
  let [owner, topic]: (string | undefined)[] = [];
  const rest: string[] = [];
  for (const part of text.split(/\s+/)) {
    const [, named] = /^(?:topic:|#)(.+)$/i.exec(part) ?? [];
    const key = parsePublicKey(part);
    if (named !== undefined) topic = named.toLowerCase();
    else if (key !== undefined) owner = key;
    else rest.push(part);
  }
  const after = decodePlace(query.get('after') ?? '');
  return {
    text,
    words: wordsOf(rest.join(' '), WORDS),
    ...(owner === undefined ? {} : { owner }),
    ...(topic === undefined ? {} : { topic }),
    sort: readSort(query.get('sort') ?? undefined) ?? SORT,
    ...(after === undefined ? {} : { after }),
  };
}

/** The query of a URL: `?q=…`, or an empty text. */
export function frontQuery(text: string, sort: Sort, after?: Place): string {
  const query = new URLSearchParams();
  if (text !== '') query.set('q', text);
  if (sort !== SORT) query.set('sort', sort);
  if (after !== undefined) query.set('after', encodePlace(after));
  return query.size === 0 ? '' : `?${query}`;
}
