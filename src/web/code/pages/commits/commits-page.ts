import { z } from 'zod';
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
}

const schema = z.object({
  revision: z.string(),
  path: nameSchema,
  skip: z.number().int(),
  more: z.boolean().describe('whether there are older ones'),
  commits: z.array(commitSchema),
});

/** A history. */
export const commitsPage: CodePage<CommitsQuestion, HistoryPage, z.infer<typeof schema>> = {
  word: 'commits',
  description: {
    summary: `The commits of a revision, or of a path in it, newest first, ${SHOWN_COMMITS} on a page`,
    path: 'commits/{revision}/{path}',
    query: { skip: 'commits to leave out before the first one' },
  },
  ask: (_, { manifest }, segments, query) => ({
    ...readRevision(manifest, segments),
    skip: readNumber(query, 'skip'),
  }),
  read: async ({ view }, { oid, path, skip }) => {
    const from = [(await readCommitOf(view, oid)).oid];
    return listHistory(view, { from, path, count: SHOWN_COMMITS, skip });
  },
  html: (context, { name, path, skip }, history) =>
    commitsHtml(context, { revision: name, path, history, skip, count: SHOWN_COMMITS }),
  json: {
    schema,
    of: (_, { name, path, skip }, { commits, more }) => ({
      revision: name,
      path: pathJson(path),
      skip,
      more,
      commits: commits.map(commitJson),
    }),
  },
};
