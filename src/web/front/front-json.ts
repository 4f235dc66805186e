import { z } from 'zod';
import { formatNpub } from '../../nostr/public-key.ts';
import { fossilUrl, gitUrl } from '../../nostr/repository-url.ts';
import { rootOf } from '../layout.ts';
import { type FrontQuestion, frontQuery } from './front-question.ts';
import { nameOf, topicsOf } from './listed-repository.ts';
import type { FoundRepositories, FoundRepository } from './repository-index.ts';

export const frontSchema = z.object({
  repositories: z.array(
    z.object({
      owner: z.string().describe('public key in hex'),
      npub: z.string().describe('the same key'),
      identifier: z.string(),
      name: z.string(),
      description: z.string().nullable(),
      topics: z.array(z.string()),
      kind: z.enum(['git', 'fossil']),
      clone: z.string().describe('URL'),
      announcedAt: z.number().int().describe('seconds'),
      pushedAt: z.number().int().nullable().describe('seconds; null if not known'),
    }),
  ),
  next: z.string().nullable().describe('URL of the next page, without a host; null on the last one'),
});

/** What the reference of the API says about the front page. */
export const FRONT = {
  summary: 'The public repositories that are announced here, 50 on a page',
  query: {
    q: 'beginnings of words of the name, the topics or the description; topic:<topic>; the npub of an owner',
    sort: 'newest, name or pushed',
    after: 'where the page before ended; `next` has the whole URL',
  },
};

/** The repositories of a page, for programs. */
export function frontJson(
  base: string,
  { text, sort }: FrontQuestion,
  { repositories, next }: FoundRepositories,
): z.infer<typeof frontSchema> {
  return {
    repositories: repositories.map((found) => repositoryJson(base, found)),
    next: next === undefined ? null : `${rootOf(base)}/${frontQuery(text, sort, next)}`,
  };
}

function repositoryJson(base: string, { announcement, pushed }: FoundRepository) {
  const { owner, identifier, description, at, vcs = 'git' } = announcement;
  return {
    owner,
    npub: formatNpub(owner),
    identifier,
    name: nameOf(announcement),
    description: description ?? null,
    topics: topicsOf(announcement),
    kind: vcs,
    clone: (vcs === 'fossil' ? fossilUrl : gitUrl)(base, owner, identifier),
    announcedAt: at,
    pushedAt: pushed ?? null,
  };
}
