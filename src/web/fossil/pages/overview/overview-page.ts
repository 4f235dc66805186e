import { z } from 'zod';
import { CairnError } from '../../../../lib/errors.ts';
import { fossilUrl } from '../../../../nostr/repository-url.ts';
import { NOTHING_SAID } from '../../../code/about.ts';
import { checkInJson, checkInSchema } from '../../check-in-json.ts';
import type { FossilPage } from '../../fossil-page.ts';
import { overviewHtml } from './overview-html.ts';
import { type FossilOverview, readOverview } from './read-overview.ts';

const schema = z.object({
  kind: z.literal('fossil'),
  owner: z.string().describe('public key in hex'),
  identifier: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  topics: z.array(z.string()),
  web: z.array(z.string()),
  clone: z.string().describe('URL'),
  projectCode: z.string(),
  projectName: z.string(),
  artifacts: z.number().int(),
  maintainers: z.array(z.string()).describe('public keys in hex, without the owner'),
  lastPush: z.number().int().describe('seconds'),
  checkIns: z.array(checkInSchema).nullable().describe('the newest ones; null if the search takes too long'),
});

/** What a Fossil repository is, its newest check-ins and files. */
export const overviewPage: FossilPage<null, FossilOverview, z.infer<typeof schema>> = {
  word: '',
  description: { summary: 'A Fossil repository: its description and its newest check-ins', path: '' },
  ask: (segments) => {
    if (segments.length > 0) throw new CairnError('not-found', 'there is no such page');
    return null;
  },
  read: (view, _question, renderer, links) => readOverview(view, links, renderer),
  html: (context, _question, content) => overviewHtml(context, content),
  json: {
    schema,
    of: (_question, { checkIns }, { base, owner, name, manifest, about = NOTHING_SAID }) => ({
      kind: 'fossil' as const,
      owner,
      identifier: manifest.identifier,
      name,
      description: about.description ?? null,
      topics: [...about.topics],
      web: [...about.web],
      clone: fossilUrl(base, owner, manifest.identifier),
      projectCode: manifest.projectCode,
      projectName: manifest.projectName,
      artifacts: manifest.artifacts,
      maintainers: manifest.policy.writers.filter((writer) => writer !== owner),
      lastPush: manifest.receiptAt,
      checkIns: checkIns === undefined ? null : checkIns.map(checkInJson),
    }),
  },
};
