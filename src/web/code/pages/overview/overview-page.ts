import { z } from 'zod';
import { languagesOf } from '../../../../browse/languages/languages.ts';
import { readCommitOf } from '../../../../browse/objects.ts';
import { shortName } from '../../../../browse/revision.ts';
import { allSettledOrThrow } from '../../../../lib/all-settled-or-throw.ts';
import { gitUrl } from '../../../../nostr/repository-url.ts';
import { NOTHING_SAID } from '../../about.ts';
import type { CodePage } from '../../code-page.ts';
import { commitJson, commitSchema } from '../../json/commit-json.ts';
import { revisionPlace } from '../../markdown-place.ts';
import { readFolder } from '../tree/tree-page.ts';
import type { OverviewContent, OverviewQuestion } from './overview-content.ts';
import { overviewFacts } from './overview-facts.ts';
import { overviewHtml } from './overview-html.ts';

const schema = z.object({
  owner: z.string().describe('public key in hex'),
  identifier: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  topics: z.array(z.string()),
  web: z.array(z.string()),
  clone: z.string().describe('URL'),
  private: z.boolean(),
  objectFormat: z.enum(['sha1', 'sha256']),
  defaultBranch: z.object({
    name: z.string(),
    oid: z.string().nullable().describe('null while it does not exist'),
  }),
  branches: z.number().int(),
  tags: z.number().int(),
  size: z.number().int().describe('bytes of packs'),
  maintainers: z.array(z.string()).describe('public keys in hex, without the owner'),
  lastChange: z
    .object({
      at: z.number().int().describe('seconds'),
      by: z.array(z.string()).describe('public keys in hex'),
    })
    .nullable()
    .describe('of branches and tags; null if not known'),
  latestCommit: commitSchema.nullable(),
  languages: z.array(z.object({ name: z.string(), bytes: z.number().int() })),
});

/** A repository, and the content of its default branch. */
export const overviewPage: CodePage<OverviewQuestion, OverviewContent | undefined, z.infer<typeof schema>> = {
  word: '',
  offersRefs: true,
  description: {
    summary: 'A repository: its description, default branch, languages and last change',
    path: '',
  },
  ask: ({ about = NOTHING_SAID, links, manifest, owner }) => {
    const facts = overviewFacts(manifest, owner, about);
    const { tip, branch } = facts;
    const place = revisionPlace(links, branch);
    return {
      about,
      facts,
      at: tip === undefined ? undefined : { name: branch, ref: manifest.head, oid: tip, path: [], place },
    };
  },
  read: async (sources, { at }) => {
    if (at === undefined) return undefined;
    const { view } = sources;
    const latest = await readCommitOf(view, at.oid);
    // Each asks a git of its own.
    const [folder, languages] = await allSettledOrThrow([
      readFolder(sources, at),
      languagesOf(view, latest.commit.tree),
    ]);
    return { folder, latest, languages };
  },
  html: overviewHtml,
  json: {
    schema,
    of: ({ base, manifest, name, owner }, { about, facts }, content) => ({
      owner,
      identifier: manifest.identifier,
      name,
      description: about.description ?? null,
      topics: [...about.topics],
      web: [...about.web],
      clone: gitUrl(base, owner, manifest.identifier),
      private: facts.isPrivate,
      objectFormat: manifest.objectFormat,
      defaultBranch: { name: shortName(manifest.head), oid: facts.tip ?? null },
      branches: facts.branches,
      tags: facts.tags,
      size: facts.size,
      maintainers: [...facts.maintainers],
      lastChange:
        facts.lastChange === undefined ? null : { ...facts.lastChange, by: [...facts.lastChange.by] },
      latestCommit: content === undefined ? null : commitJson(content.latest),
      languages: (content?.languages ?? []).map((share) => ({ ...share })),
    }),
  },
};
