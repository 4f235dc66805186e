import { peel, readCommit, readCommitOf } from '../../../../browse/objects.ts';
import { splitPath } from '../../../../browse/paths.ts';
import type { RepositoryView } from '../../../../browse/repository-view.ts';
import { headOrNothing, readRevision } from '../../../../browse/revision.ts';
import { readQuery, SEARCH_TYPES } from '../../../../browse/search/query.ts';
import { searchCode } from '../../../../browse/search/search-code.ts';
import { searchCommits } from '../../../../browse/search/search-commits.ts';
import { searchPaths } from '../../../../browse/search/search-paths.ts';
import { CairnError } from '../../../../lib/errors.ts';
import type { CodePage } from '../../code-page.ts';
import { readChoice } from '../../read-query.ts';
import { searchHtml } from './search-html.ts';
import { type SearchJson, searchJson, searchSchema } from './search-json.ts';
import type { Found, SearchQuestion } from './search-question.ts';

/** A search in a revision. */
export const searchPage: CodePage<SearchQuestion, Found, SearchJson> = {
  word: 'search',
  slow: true,
  description: {
    summary: 'Matches in the code of a revision, in its paths, or in its commits',
    path: 'search/{revision}',
    query: {
      q: 'one line, at most 200 characters; never a pattern. In code it is looked for as it is, in paths letter by letter, in commits word by word',
      type: '`code`, `paths` or `commits`',
      author: 'of commits: a part of the name or address',
      path: 'of commits: only those that change something there',
    },
  },
  ask: (_, { manifest }, segments, query) => {
    const at = segments.length === 0 ? headOrNothing(manifest) : readRevision(manifest, segments);
    if (at.path.length > 0)
      throw new CairnError('not-found', 'a search is in a whole revision: leave out the path');
    return {
      ...at,
      type: readChoice(query, 'type', SEARCH_TYPES),
      query: readQuery(query.get('q') ?? ''),
      author: readQuery(query.get('author') ?? ''),
      below: readQuery(query.get('path') ?? '').replace(/^\/+|\/+$/g, ''),
    };
  },
  read: ({ view }, question) => search(view, question),
  html: searchHtml,
  json: { schema: searchSchema, of: (_, question, found) => searchJson(question, found) },
};

async function search(view: RepositoryView, question: SearchQuestion): Promise<Found> {
  const { oid, type, query, author, below } = question;
  if (oid === '') return { type: 'nothing' };
  if (type === 'commits') {
    if (query === '' && author === '' && below === '') return { type: 'nothing' };
    const from = (await readCommitOf(view, oid)).oid;
    const path = below === '' ? [] : splitPath(Buffer.from(below));
    return { type, ...(await searchCommits(view, { from, query, author, path })) };
  }
  if (query === '') return { type: 'nothing' };
  const tree = await treeOf(view, oid);
  return type === 'paths'
    ? { type, ...(await searchPaths(view, tree, query)) }
    : { type, ...(await searchCode(view, tree, query)) };
}

async function treeOf(view: RepositoryView, oid: string): Promise<string> {
  const peeled = await peel(view, oid);
  if (peeled.type === 'blob') throw new CairnError('not-found', 'this is a file, and has no files to search');
  return peeled.type === 'tree' ? peeled.oid : (await readCommit(view, peeled.oid)).commit.tree;
}
