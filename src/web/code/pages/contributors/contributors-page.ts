import { z } from 'zod';
import { readCommitOf } from '../../../../browse/objects.ts';
import { type Contributors, countContributors, MOST_COUNTED } from '../../../../browse/refs/contributors.ts';
import { headOrNothing, readRevision } from '../../../../browse/revision.ts';
import { CairnError } from '../../../../lib/errors.ts';
import type { CodePage } from '../../code-page.ts';
import { readNumber } from '../../read-query.ts';
import { contributorsHtml } from './contributors-html.ts';
import { type ContributorsQuestion, SHOWN_PEOPLE } from './contributors-question.ts';

/** The contributors of a repository without commits. */
const NOBODY: Contributors = { people: [], commits: 0, cut: false };

const schema = z.object({
  revision: z.string(),
  commits: z.number().int().describe('commits that were counted'),
  cut: z.boolean().describe('whether there are older commits'),
  skip: z.number().int(),
  count: z.number().int().describe('all people'),
  people: z.array(
    z.object({
      name: z.string(),
      email: z.string(),
      commits: z.number().int(),
      first: z.number().int().describe('seconds since 1970 of the earliest commit'),
      last: z.number().int(),
    }),
  ),
});

/** Who wrote a history. */
export const contributorsPage: CodePage<ContributorsQuestion, Contributors, z.infer<typeof schema>> = {
  word: 'contributors',
  slow: true,
  description: {
    summary: `The authors of the last ${MOST_COUNTED.toLocaleString('en')} commits of a revision, most commits first, ${SHOWN_PEOPLE} on a page`,
    path: 'contributors/{revision}',
    query: { skip: 'people to leave out before the first one' },
  },
  ask: (_, { manifest }, segments, query) => {
    const at = segments.length === 0 ? headOrNothing(manifest) : readRevision(manifest, segments);
    if (at.path.length > 0)
      throw new CairnError('not-found', 'contributors are of a whole revision: leave out the path');
    return { ...at, skip: readNumber(query, 'skip'), mailmapAt: manifest.refs.get(manifest.head) ?? '' };
  },
  read: async ({ view }, { oid }) =>
    oid === '' ? NOBODY : countContributors(view, (await readCommitOf(view, oid)).oid),
  html: contributorsHtml,
  json: {
    schema,
    of: (_, { name, skip }, { people, commits, cut }) => ({
      revision: name,
      commits,
      cut,
      skip,
      count: people.length,
      people: people.slice(skip, skip + SHOWN_PEOPLE).map((person) => ({ ...person })),
    }),
  },
};
