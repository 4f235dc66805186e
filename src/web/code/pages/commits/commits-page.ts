import { z } from 'zod';
import { findRename, type Renamed } from '../../../../browse/find-rename.ts';
import { listHistory } from '../../../../browse/history.ts';
import { type AuthorHistory, listHistoryOf } from '../../../../browse/history-of-author.ts';
import { readCommitOf } from '../../../../browse/objects.ts';
import { type Revision, readRevision } from '../../../../browse/revision.ts';
import type { CodePage } from '../../code-page.ts';
import { commitJson, commitSchema } from '../../json/commit-json.ts';
import { nameSchema, pathJson } from '../../json/name-json.ts';
import { readNumber } from '../../read-query.ts';
import { commitsHtml } from './commits-html.ts';
import {
  choiceOf,
  HISTORY_QUERY,
  type HistoryFilter,
  isFiltered,
  readHistoryFilter,
} from './history-filter.ts';

/** Commits on a page. */
const SHOWN_COMMITS = 50;

interface CommitsQuestion extends Revision {
  /** Commits to leave out before the first one. */
  readonly skip: number;
  readonly filter: HistoryFilter;
}

interface CommitsContent extends AuthorHistory {
  /** Where the history continues under another name. */
  readonly renamed: Renamed | undefined;
}

const schema = z.object({
  revision: z.string(),
  path: nameSchema,
  skip: z.number().int(),
  more: z.boolean().describe('whether there are older ones'),
  cut: z.boolean().describe('whether older commits were not searched; only in searches by author'),
  commits: z.array(commitSchema),
  renamed: z
    .object({ commit: z.string(), path: nameSchema })
    .nullable()
    .describe('the former name under which the history of a file continues; only at its oldest commit'),
});

/** A history. */
export const commitsPage: CodePage<CommitsQuestion, CommitsContent, z.infer<typeof schema>> = {
  word: 'commits',
  offersRefs: true,
  slow: ({ filter }) => filter.author !== '',
  description: {
    summary: `The commits of a revision, or of a path in it, newest first, ${SHOWN_COMMITS} on a page`,
    path: 'commits/{revision}/{path}',
    query: {
      skip: 'commits to leave out before the first one',
      ...HISTORY_QUERY,
    },
  },
  ask: (_, { manifest }, segments, query) => ({
    ...readRevision(manifest, segments),
    skip: readNumber(query, 'skip'),
    filter: readHistoryFilter(query),
  }),
  read: async ({ view }, { oid, path, skip, filter }) => {
    const from = (await readCommitOf(view, oid)).oid;
    const [count, choice, { author }] = [SHOWN_COMMITS, choiceOf(filter), filter];
    const history =
      author === ''
        ? { ...(await listHistory(view, { from: [from], path, count, skip, choice })), cut: false }
        : await listHistoryOf(view, { from, path, author, count, skip, choice });
    const oldest = history.more || isFiltered(filter) ? undefined : history.commits.at(-1);
    const renamed = oldest === undefined ? undefined : await findRename(view, oldest, path);
    return { ...history, renamed };
  },
  html: (context, { name, ref, path, skip, filter }, { renamed, ...history }) =>
    commitsHtml(context, {
      revision: name,
      ref,
      path,
      history,
      renamed,
      skip,
      count: SHOWN_COMMITS,
      filter,
    }),
  json: {
    schema,
    of: (_, { name, path, skip }, { commits, more, cut, renamed }) => ({
      revision: name,
      path: pathJson(path),
      skip,
      more,
      cut,
      commits: commits.map(commitJson),
      renamed: renamed === undefined ? null : { commit: renamed.commit, path: pathJson(renamed.path) },
    }),
  },
};
