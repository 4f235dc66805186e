import { z } from 'zod';
import { BRANCHES_ON_PAGE, type BranchList, listBranches } from '../../../../browse/refs/branches.ts';
import { shortName } from '../../../../browse/revision.ts';
import type { CodePage } from '../../code-page.ts';
import { commitJson, commitSchema } from '../../json/commit-json.ts';
import { KEPT_PLACE_QUERY, readKeptPlace } from '../../kept-place.ts';
import { noSegments } from '../../no-segments.ts';
import { readChoice, readNumber } from '../../read-query.ts';
import { branchesHtml } from './branches-html.ts';
import type { BranchesQuestion } from './branches-question.ts';

const schema = z.object({
  order: z.enum(['recent', 'name']),
  skip: z.number().int(),
  count: z.number().int().describe('all branches'),
  branches: z.array(
    z.object({
      ref: z.string(),
      name: z.string(),
      oid: z.string(),
      isDefault: z.boolean(),
      lastCommit: commitSchema.nullable().describe('null if it is not a commit'),
      apart: z
        .object({
          ahead: z.number().int().describe('commits that the default branch does not have'),
          behind: z.number().int().describe('commits that only the default branch has'),
          exact: z.boolean().describe('false if the histories are so long that both numbers may be larger'),
        })
        .nullable()
        .describe('null for the default branch, and if there is none'),
    }),
  ),
});

/** The branches. */
export const branchesPage: CodePage<BranchesQuestion, BranchList, z.infer<typeof schema>> = {
  word: 'branches',
  description: {
    summary: `The branches, each with its last commit and how far it is from the default branch, ${BRANCHES_ON_PAGE} on a page`,
    path: 'branches',
    query: {
      order: '`recent` (the last commit first) or `name`; of more than 20,000 branches always `name`',
      skip: 'branches to leave out before the first one',
      ...KEPT_PLACE_QUERY,
    },
  },
  ask: (_, { digest }, segments, query) => {
    noSegments(segments);
    return {
      digest,
      order: readChoice(query, 'order', ['recent', 'name']),
      skip: readNumber(query, 'skip'),
      place: readKeptPlace(query),
    };
  },
  read: ({ view }, { order, skip }) => listBranches(view, order, skip),
  html: branchesHtml,
  json: {
    schema,
    of: ({ manifest }, { skip }, { branches, count, byName }) => ({
      order: byName ? ('name' as const) : ('recent' as const),
      skip,
      count,
      branches: branches.map(({ ref, oid, last, apart }) => ({
        ref,
        name: shortName(ref),
        oid,
        isDefault: ref === manifest.head,
        lastCommit: last === undefined ? null : commitJson(last),
        apart: apart === undefined ? null : { ...apart },
      })),
    }),
  },
};
