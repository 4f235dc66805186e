import { z } from 'zod';
import { findRename, type Renamed } from '../../../../browse/find-rename.ts';
import { type HistoryPage, listHistory } from '../../../../browse/history.ts';
import { readCommitOf } from '../../../../browse/objects.ts';
import { type Revision, readRevision } from '../../../../browse/revision.ts';
import type { CodePage } from '../../code-page.ts';
import { commitJson, commitSchema } from '../../json/commit-json.ts';
import { nameSchema, pathJson } from '../../json/name-json.ts';
import { readNumber } from '../../read-query.ts';
import { commitsHtml } from './commits-html.ts';

/** Commits on a page. */
const SHOWN_COMMITS = 50;

interface CommitsQuestion extends Revision {
  /** Commits to leave out before the first one. */
  readonly skip: number;
  /** Whether only first parents of merges are followed. */
  readonly firstParent: boolean;
}

interface CommitsContent extends HistoryPage {
  /** Where the history continues under another name. */
  readonly renamed: Renamed | undefined;
}

const schema = z.object({
  revision: z.string(),
  path: nameSchema,
  skip: z.number().int(),
  more: z.boolean().describe('whether there are older ones'),
  commits: z.array(commitSchema),
  renamed: z
    .object({ commit: z.string(), path: nameSchema })
    .nullable()
    .describe('where the history of a file goes on under another name; only beside its oldest commit'),
});

/** A history. */
export const commitsPage: CodePage<CommitsQuestion, CommitsContent, z.infer<typeof schema>> = {
  word: 'commits',
  description: {
    summary: `The commits of a revision, or of a path in it, newest first, ${SHOWN_COMMITS} on a page`,
    path: 'commits/{revision}/{path}',
    query: {
      skip: 'commits to leave out before the first one',
      'first-parent': '`1` to follow only first parents of merges',
    },
  },
  ask: (_, { manifest }, segments, query) => ({
    ...readRevision(manifest, segments),
    skip: readNumber(query, 'skip'),
    firstParent: query.get('first-parent') === '1',
  }),
  read: async ({ view }, { oid, path, skip, firstParent }) => {
    const start = (await readCommitOf(view, oid)).oid;
    const count = SHOWN_COMMITS;
    const history = await listHistory(view, { from: [start], path, count, skip, firstParent });
    const oldest = history.more ? undefined : history.commits.at(-1);
    const renamed = oldest === undefined ? undefined : await findRename(view, oldest, path);
    return { ...history, renamed };
  },
  html: (context, { name, path, skip, firstParent }, { renamed, ...history }) =>
    commitsHtml(context, {
      revision: name,
      path,
      history,
      renamed,
      skip,
      count: SHOWN_COMMITS,
      firstParent,
    }),
  json: {
    schema,
    of: (_, { name, path, skip }, { commits, more, renamed }) => ({
      revision: name,
      path: pathJson(path),
      skip,
      more,
      commits: commits.map(commitJson),
      renamed: renamed === undefined ? null : { commit: renamed.commit, path: pathJson(renamed.path) },
    }),
  },
};
