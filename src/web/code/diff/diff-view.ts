import type { DifferencesQuestion } from '../../../browse/differences.ts';
import { readChoice, readNumber } from '../read-query.ts';

/** How differences are shown, as the query of a page says. */
export interface DiffView extends DifferencesQuestion {
  /** Two columns instead of one. */
  readonly split: boolean;
  readonly ignoreSpace: boolean;
  readonly file: number | undefined;
  /** From 1. */
  readonly page: number;
}

/** Query parameters of a page with a diff. */
export const DIFF_QUERY: Readonly<Record<string, string>> = {
  view: '`split` for two columns, `unified` (the default) for one (pages for people only)',
  w: '`1` to take lines for the same that differ in white space only',
  file: 'only this file of all, from 1, with more of its lines',
  page: 'page of the list of files, from 1; later pages have no lines',
};

/** Reads the query. @throws CairnError `invalid` */
export function readDiffView(query: URLSearchParams): DiffView {
  const file = readNumber(query, 'file');
  return {
    split: readChoice(query, 'view', ['unified', 'split']) === 'split',
    ignoreSpace: query.get('w') === '1',
    file: file === 0 ? undefined : file,
    page: Math.max(1, readNumber(query, 'page')),
  };
}

/**
 * The URL of the same page with another view of the differences.
 * @param here path of the page
 * @param others other parameters of the query
 */
export function diffUrl(
  here: string,
  others: Readonly<Record<string, string>>,
  { split, ignoreSpace, file, page }: DiffView,
): string {
  const query = new URLSearchParams(others);
  if (split) query.set('view', 'split');
  if (ignoreSpace) query.set('w', '1');
  if (file !== undefined) query.set('file', String(file));
  else if (page > 1) query.set('page', String(page));
  return query.size === 0 ? here : `${here}?${query}`;
}
