import { z } from 'zod';
import { readCommitOf } from '../../../../browse/objects.ts';
import { listContaining, MOST_CONTAINING, type NamedRefs } from '../../../../browse/refs/containing-refs.ts';
import { isObjectId } from '../../../../git/index.ts';
import { CairnError } from '../../../../lib/errors.ts';
import type { CodePage } from '../../code-page.ts';
import { type ContainsContent, containsHtml } from './contains-html.ts';

interface ContainsQuestion {
  readonly oid: string;
  /** Of the whole state: all refs may count. */
  readonly digest: string;
}

const refsSchema = z.object({
  refs: z.array(z.string()).describe(`whole names, ${MOST_CONTAINING} at most`),
  count: z.number().int(),
});

const schema = z.object({
  commit: z.string(),
  branches: refsSchema,
  tags: refsSchema,
  cut: z.boolean().describe('whether the time limit ended the search of branches and tags'),
});

/** The branches and tags that have a commit in their history. */
export const containsPage: CodePage<ContainsQuestion, ContainsContent, z.infer<typeof schema>> = {
  word: 'contains',
  slow: true,
  description: {
    summary: 'The branches and tags that contain a commit',
    path: 'contains/{id}',
  },
  ask: (_, { manifest, digest }, segments) => {
    const oid = segments[0]?.toString('latin1') ?? '';
    if (segments.length !== 1 || !isObjectId(oid, manifest.objectFormat)) {
      throw new CairnError('not-found', 'use the full id of the commit');
    }
    return { oid, digest };
  },
  read: async ({ view }, { oid }) => {
    const found = await readCommitOf(view, oid);
    return { found, ...(await listContaining(view, found.oid)) };
  },
  html: (context, _, content) => containsHtml(context, content),
  json: {
    schema,
    of: (_, __, { found, branches, tags, cut }) => ({
      commit: found.oid,
      branches: refsJson(branches),
      tags: refsJson(tags),
      cut,
    }),
  },
};

function refsJson({ names, count }: NamedRefs): z.infer<typeof refsSchema> {
  return { refs: [...names], count };
}
