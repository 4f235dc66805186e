import { html } from 'hono/html';
import { z } from 'zod';
import { isObjectId } from '../../../git/index.ts';
import { CairnError } from '../../../lib/errors.ts';
import type { Check } from '../../../relay/discussions/check-runs.ts';
import { codePage } from '../../code/frame.ts';
import type { NostrPage } from '../nostr-page.ts';
import { checkJson, checkSchema, checksHtml } from './checks-html.ts';

interface ChecksContent {
  readonly commit: string;
  readonly checks: readonly Check[];
}

const schema = z.object({ commit: z.string(), checks: z.array(checkSchema) });

/** Results of checks of a commit. */
export const checksPage: NostrPage<ChecksContent, z.infer<typeof schema>> = {
  word: 'checks',
  description: {
    summary: 'Results of continuous integration for a commit, with who signed them (draft NIP-C1)',
    path: 'checks/{id}',
  },
  read: async ({ sources, found, reader, segments }) => {
    const [commit = '', ...rest] = segments;
    if (rest.length > 0 || !isObjectId(commit, found.published.manifest.objectFormat)) {
      throw new CairnError('not-found', 'use the full id of the commit');
    }
    return { commit, checks: await sources.discussions.checks.ofCommit(found.id, commit, reader) };
  },
  html: (request, { commit, checks }) =>
    codePage(
      request.code,
      `Checks of ${commit.slice(0, 10)}`,
      html`<h1 class="subject">Checks of <a href="${request.code.links.commit(commit)}"><code>${commit.slice(0, 10)}</code></a></h1>
${checks.length === 0 ? html`<p>No result for this commit has arrived here.</p>` : checksHtml(request, checks)}`,
    ),
  json: {
    schema,
    of: (request, { commit, checks }) => ({
      commit,
      checks: checks.map((check) => checkJson(request, check)),
    }),
  },
};
