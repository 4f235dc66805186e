import { z } from 'zod';
import { compareTrees, type Differences } from '../../../../browse/differences.ts';
import { type FoundCommit, readCommit, readCommitOf } from '../../../../browse/objects.ts';
import { isObjectId } from '../../../../git/index.ts';
import { CairnError } from '../../../../lib/errors.ts';
import type { CodePage } from '../../code-page.ts';
import { commitJson, commitSchema } from '../../json/commit-json.ts';
import { differencesJson, differencesSchema } from '../../json/differences-json.ts';
import { commitHtml } from './commit-html.ts';

interface CommitQuestion {
  /** Of a commit, or of a tag of one. */
  readonly oid: string;
}

interface CommitContent {
  readonly found: FoundCommit;
  /** How it differs from its first parent. */
  readonly differences: Differences;
}

const schema = z.object({ commit: commitSchema, differences: differencesSchema });

/** A commit. */
export const commitPage: CodePage<CommitQuestion, CommitContent, z.infer<typeof schema>> = {
  word: 'commit',
  description: { summary: 'A commit, and how it differs from its first parent', path: 'commit/{id}' },
  ask: (_, { manifest }, segments) => {
    const oid = segments[0]?.toString('latin1') ?? '';
    if (segments.length !== 1 || !isObjectId(oid, manifest.objectFormat)) {
      throw new CairnError('not-found', 'a commit is named by its whole id');
    }
    return { oid };
  },
  read: async ({ view }, { oid }) => {
    const found = await readCommitOf(view, oid);
    const [parent] = found.commit.parents;
    const before = parent === undefined ? undefined : (await readCommit(view, parent)).commit.tree;
    return { found, differences: await compareTrees(view, before, found.commit.tree) };
  },
  html: (context, _, content) => commitHtml(context, content),
  json: {
    schema,
    of: (_, __, { found, differences }) => ({
      commit: commitJson(found),
      differences: differencesJson(differences),
    }),
  },
};
