import { LONGEST_QUERY, readQuery } from '../../../../browse/search/query.ts';
import type { CommitChoice } from '../../../../git-process/browse-commands.ts';
import { CairnError } from '../../../../lib/errors.ts';

/** Which commits of a history a page lists, as its query says. Empty texts stand for no limit. */
export interface HistoryFilter {
  /** A part of an author's name or address. */
  readonly author: string;
  /** Days of the committer's date in UTC, both included, as `2026-11-30`. */
  readonly since: string;
  readonly until: string;
  /** Whether only first parents of merges are followed. */
  readonly firstParent: boolean;
}

/** Query parameters of a history. */
export const HISTORY_QUERY: Readonly<Record<string, string>> = {
  author: 'only commits of this author: a part of a name or an address, whatever its case',
  since: 'only commits of this day or later: `2026-11-30`, in UTC, by the date of the committer',
  until: 'only commits of this day or earlier',
  'first-parent': '`1` to follow only first parents of merges',
};

/** Reads the query. @throws CairnError `invalid` for what is no date, and for long texts */
export function readHistoryFilter(query: URLSearchParams): HistoryFilter {
  return {
    author: readQuery(query.get('author') ?? ''),
    since: readDay(query, 'since'),
    until: readDay(query, 'until'),
    firstParent: query.get('first-parent') === '1',
  };
}

/** The query of a history with this filter, without what is empty. */
export function filterQuery({ author, since, until, firstParent }: HistoryFilter): Record<string, string> {
  return { author, since, until, 'first-parent': firstParent ? '1' : '' };
}

/** Whether commits are left out beside those of other parents. */
export function isFiltered({ author, since, until }: HistoryFilter): boolean {
  return author !== '' || since !== '' || until !== '';
}

/** The same for git. */
export function choiceOf({ since, until, firstParent }: HistoryFilter): CommitChoice {
  return {
    firstParent,
    since: since === '' ? undefined : secondsOf(since),
    until: until === '' ? undefined : secondsOf(until) + DAY - 1,
  };
}

/** An author as a query may have it. Names in commits may be long, and may have control characters. */
export function authorQuery(text: string): string {
  const [line = ''] = text.slice(0, LONGEST_QUERY).split(/[\r\n\0]/, 1);
  return line;
}

const DAY = 86_400;

function readDay(query: URLSearchParams, name: string): string {
  const text = (query.get(name) ?? '').trim();
  if (text === '') return '';
  // Without leap days in other years, which would become another day.
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text) && isoDay(Date.parse(`${text}T00:00:00Z`)) === text;
  if (!isDay) throw new CairnError('invalid', `${name} is a day like 2026-11-30`);
  return text;
}

function isoDay(milliseconds: number): string {
  return Number.isNaN(milliseconds) ? '' : new Date(milliseconds).toISOString().slice(0, 10);
}

function secondsOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) / 1000;
}
