import { z } from 'zod';
import {
  COMPARED_COMMITS,
  type ComparedPair,
  compareCommits,
  readComparison,
} from '../../../../browse/comparison.ts';
import type { CodePage } from '../../code-page.ts';
import { colourFiles } from '../../diff/colour-files.ts';
import { DIFF_QUERY, type DiffView, readDiffView } from '../../diff/diff-view.ts';
import { commitJson, commitSchema } from '../../json/commit-json.ts';
import { differencesJson, differencesSchema } from '../../json/differences-json.ts';
import { readNumber } from '../../read-query.ts';
import { type ColouredComparison, compareHtml } from './compare-html.ts';

interface CompareQuestion extends ComparedPair, DiffView {
  /** Commits to leave out before the first one. */
  readonly skip: number;
}

const sideSchema = z.object({ name: z.string(), commit: commitSchema });

const schema = z.object({
  from: sideSchema,
  to: sideSchema,
  mergeBase: z.string().nullable().describe('null if the histories have no common commit'),
  skip: z.number().int(),
  more: z.boolean().describe('whether there are older commits'),
  commits: z.array(commitSchema).describe('those that `to` reaches and `from` does not, newest first'),
  differences: differencesSchema.nullable().describe('null if there is nothing to compare with'),
});

/** Two commits side by side. */
export const comparePage: CodePage<CompareQuestion, ColouredComparison, z.infer<typeof schema>> = {
  word: 'compare',
  description: {
    summary:
      'The commits and changes between two commits: with three dots from their merge base, with two from the first',
    path: 'compare/{from}...{to}',
    query: {
      skip: `commits to leave out before the first one; ${COMPARED_COMMITS} are on a page`,
      base: 'with an empty path: the first name',
      head: 'with an empty path: the second name',
      ...DIFF_QUERY,
    },
  },
  ask: (_, { manifest }, segments, query) => {
    // A form cannot make a path.
    const typed = [query.get('base') ?? '', query.get('head') ?? ''].map((name) => name.trim());
    const asked = segments.length === 0 ? [Buffer.from(typed.join('...'))] : segments;
    return { ...readComparison(manifest, asked), skip: readNumber(query, 'skip'), ...readDiffView(query) };
  },
  read: async ({ view, renderer, representation }, question) => {
    const comparison = await compareCommits(view, question, question.skip, question);
    const { differences } = comparison;
    const isShown = representation === 'html' && differences !== undefined;
    return {
      ...comparison,
      coloured: isShown ? await colourFiles(view, renderer, differences) : undefined,
    };
  },
  html: (context, question, comparison) =>
    compareHtml(context, question, question.skip, question, comparison),
  json: {
    schema,
    of: (_, { from, to, skip }, { mergeBase, history, differences, ...found }) => ({
      from: { name: from.name, commit: commitJson(found.from) },
      to: { name: to.name, commit: commitJson(found.to) },
      mergeBase: mergeBase ?? null,
      skip,
      more: history.more,
      commits: history.commits.map(commitJson),
      differences: differences === undefined ? null : differencesJson(differences),
    }),
  },
};
