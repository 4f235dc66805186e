import { CairnError } from '../../lib/errors.ts';

/** What can be searched. */
export const SEARCH_TYPES = ['code', 'paths', 'commits'] as const;
export type SearchType = (typeof SEARCH_TYPES)[number];

/** Characters that may be searched for. */
export const LONGEST_QUERY = 200;

/**
 * Checks what somebody wants to find.
 * @returns it without white space around it; empty if there is nothing to search for
 * @throws CairnError `invalid` for text of more than one line, or too much of it
 */
export function readQuery(text: string): string {
  const query = text.trim();
  if (query.length > LONGEST_QUERY) {
    throw new CairnError('invalid', `a text to search for has at most ${LONGEST_QUERY} characters`);
  }
  if (/[\n\r\0]/.test(query)) throw new CairnError('invalid', 'a text to search for has one line');
  return query;
}
