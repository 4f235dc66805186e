import { z } from 'zod';
import { type CheckedSignature, checkSignature } from '../../../../browse/check-signature.ts';
import { compareTrees, type Differences } from '../../../../browse/differences.ts';
import { findCommitIds } from '../../../../browse/message-links.ts';
import { type FoundCommit, readCommit, readCommitOf } from '../../../../browse/objects.ts';
import { isObjectId } from '../../../../git/index.ts';
import { CairnError } from '../../../../lib/errors.ts';
import type { CodePage } from '../../code-page.ts';
import { colourFiles } from '../../diff/colour-files.ts';
import type { ColouredLines } from '../../diff/colour-lines.ts';
import { DIFF_QUERY, type DiffView, readDiffView } from '../../diff/diff-view.ts';
import { commitJson, commitSchema } from '../../json/commit-json.ts';
import { differencesJson, differencesSchema } from '../../json/differences-json.ts';
import { readNumber } from '../../read-query.ts';
import { commitHtml } from './commit-html.ts';

interface CommitQuestion extends DiffView {
  /** Of a commit, or of a tag of one. */
  readonly oid: string;
  /** Which parent it is compared with, from 1. */
  readonly parent: number;
  /** Keys whose signatures are good. */
  readonly writers: readonly string[];
}

interface CommitContent {
  readonly found: FoundCommit;
  readonly known: ReadonlyMap<string, string>;
  readonly signature: CheckedSignature | undefined;
  readonly differences: Differences;
  /** Only for people. */
  readonly coloured: ColouredLines | undefined;
  /** Which parent it was compared with, from 1; 0 if it has none. */
  readonly parent: number;
}

const signatureSchema = z.object({
  verdict: z
    .enum(['good', 'unknown-key', 'bad', 'not-checked'])
    .describe('good only if the repository names the key; see the page about identity'),
  kind: z.enum(['openpgp', 'ssh', 'x509', 'nostr', 'unknown']),
  key: z.string().nullable().describe('in the form that the tools of its kind use'),
  signer: z.string().nullable().describe('owner of the key, as stated by the repository'),
});

const schema = z.object({
  commit: commitSchema,
  signature: signatureSchema.nullable(),
  parent: z.number().int().describe('which parent it is compared with, from 1; 0 if it has none'),
  differences: differencesSchema,
});

/** A commit. */
export const commitPage: CodePage<CommitQuestion, CommitContent, z.infer<typeof schema>> = {
  word: 'commit',
  description: {
    summary: 'A commit, and its changes against a parent',
    path: 'commit/{id}',
    query: { parent: 'which parent it is compared with, from 1', ...DIFF_QUERY },
  },
  ask: (_, { manifest }, segments, query) => {
    const oid = segments[0]?.toString('latin1') ?? '';
    if (segments.length !== 1 || !isObjectId(oid, manifest.objectFormat)) {
      throw new CairnError('not-found', 'use the full id of the commit');
    }
    const parent = Math.max(1, readNumber(query, 'parent'));
    return { oid, parent, ...readDiffView(query), writers: manifest.policy.writers };
  },
  read: async ({ view, renderer, representation }, question) => {
    const found = await readCommitOf(view, question.oid);
    const { parents, tree, message } = found.commit;
    if (question.parent > Math.max(1, parents.length)) {
      const count = parents.length === 1 ? '1 parent' : `${parents.length} parents`;
      throw new CairnError('not-found', `this commit has ${count}`);
    }
    const parent = parents[question.parent - 1];
    const before = parent === undefined ? undefined : (await readCommit(view, parent)).commit.tree;
    const [known, signature, differences] = await Promise.all([
      findCommitIds(view, message),
      checkSignature(view, found.oid, question.writers),
      compareTrees(view, before, tree, question),
    ]);
    const coloured = representation === 'json' ? undefined : await colourFiles(view, renderer, differences);
    const number = parent === undefined ? 0 : question.parent;
    return { found, known, signature, differences, coloured, parent: number };
  },
  html: (context, view, content) => commitHtml(context, { ...content, view }),
  json: {
    schema,
    of: (_, __, { found, signature, parent, differences }) => ({
      commit: commitJson(found),
      signature:
        signature === undefined
          ? null
          : { ...signature, key: signature.key ?? null, signer: signature.signer ?? null },
      parent,
      differences: differencesJson(differences),
    }),
  },
};
